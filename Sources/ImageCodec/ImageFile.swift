// ImageFile: an image file to RGB pixels, the format told by its first bytes. Left out: writing (JPEG.encode is for thumbnails,
// tests and tools).

import CImageShim
import Foundation
import TinyRuntime

package enum ImageFile {
    /// Largest file read: 100 million pixels of 16-bit RGBA are below it.
    package static let sizeLimit = 1 << 30

    /// Decodes a JPEG, PNG, PPM or PGM file's bytes. EXIF orientation is applied, alpha laid over white.
    ///
    /// - Parameter preprocessing: what will be done with the image. If its `decodeScaling` is on, a JPEG is decoded at n/8 of its size.
    /// - Throws: `ImageError`, without a path.
    package static func decode(_ bytes: [UInt8], for preprocessing: Preprocessing? = nil) throws(ImageError) -> RGBImage
    {
        var options = image_options()
        if let minimum = preprocessing?.minimumDecodedSize {
            options.min_width = UInt32(clamping: minimum.width)
            options.min_height = UInt32(clamping: minimum.height)
        }
        var image = image_rgb()
        defer { image_free(&image) }
        let (status, reason) = withShimMessage { message, size in
            bytes.withUnsafeBufferPointer { image_decode($0.baseAddress, $0.count, &options, &image, message, size) }
        }
        guard status == image_ok, let pixels = image.pixels else { throw ImageError(status, reason) }
        let width = Int(image.width)
        let height = Int(image.height)
        return RGBImage(
            width: width, height: height,
            pixels: Array(UnsafeBufferPointer(start: pixels, count: width * height * 3)))
    }

    /// Reads and decodes a file.
    ///
    /// - Throws: `ImageError.file`, which names the path.
    package static func decode(path: String, for preprocessing: Preprocessing? = nil) throws(ImageError) -> RGBImage {
        do throws(ImageError) {
            return try decode(read(path), for: preprocessing)
        } catch {
            throw .file(path: path, error)
        }
    }

    /// True for the extensions jpg, jpeg, png and ppm, in any case. The file itself is not looked at.
    package static func isImage(path: String) -> Bool {
        guard let dot = path.lastIndex(of: "."), path[dot...].firstIndex(of: "/") == nil else { return false }
        return ["jpg", "jpeg", "png", "ppm"].contains(path[path.index(after: dot)...].lowercased())
    }

    private static func read(_ path: String) throws(ImageError) -> [UInt8] {
        // O_NONBLOCK: a named pipe must not hang the command.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            throw errno == ENOENT ? .missing : .unreadable(reason: String(cString: strerror(errno)))
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw .unreadable(reason: String(cString: strerror(errno))) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(
                reason: status.st_mode & S_IFMT == S_IFDIR ? "it is a folder" : "it is not a regular file")
        }
        guard status.st_size <= sizeLimit else {
            throw .unreadable(reason: "\(status.st_size) bytes, more than \(sizeLimit)")
        }
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
            while count < buffer.count, let base = buffer.baseAddress {
                let step = Foundation.read(file, base + count, buffer.count - count)
                if step < 0 && errno == EINTR { continue }
                if step < 0 { failure = errno }
                if step <= 0 { break }
                count += step
            }
        }
        guard failure == 0 else { throw .unreadable(reason: String(cString: strerror(failure))) }
        return bytes
    }
}

/// Calls the shim with a buffer for its message, and gives both its status and the message.
func withShimMessage(
    _ body: (UnsafeMutablePointer<CChar>?, Int) -> image_status
) -> (status: image_status, reason: String) {
    var status = image_ok
    let size = Int(image_message_bytes)
    let reason = withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { buffer in
        buffer.initialize(repeating: 0)
        status = body(buffer.baseAddress, buffer.count)
        return buffer.baseAddress.map { String(cString: $0) } ?? ""
    }
    return (status, reason)
}
