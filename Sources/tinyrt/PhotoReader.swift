// PhotoReader: a photo to the network's input pixels: decoded by the shim that the workstation uses too, then preprocessed.

import CDeviceShim
import CImageShim
import TinyRuntime

/// Why a photo was not classified, in words.
enum PhotoProblem {
    case missing(TextBytes)
    case unreadable(TextBytes)

    var words: TextBytes {
        switch self {
        case .missing(let words), .unreadable(let words): words
        }
    }
}

enum PhotoReader {
    /// A photo's file is some megabytes; a gigabyte is a mistake.
    private static let sizeLimit = 1 << 30

    /// - Parameter identity: which file was opened; untouched where none was.
    static func read(_ path: Argument, into session: Session, identity: inout device_identity) -> PhotoProblem? {
        var file = device_file()
        // Not mapped: others may shorten a photo while it is read, and touching the lost pages of a mapping would end the process.
        let error = device_read(path.pointer, sizeLimit, &file)
        guard error == 0 else {
            var words = TextBytes()
            words.append(system: device_error_text(error))
            return device_is_missing(error) != 0 ? .missing(words) : .unreadable(words)
        }
        defer { device_close(&file) }
        identity = file.identity
        return decode(file.bytes, count: file.count, into: session)
    }

    static func decode(_ bytes: UnsafePointer<UInt8>?, count: Int, into session: Session) -> PhotoProblem? {
        let preprocessing = session.model.edge.preprocessing
        let minimum = preprocessing.minimumDecodedSize
        var options = image_options()
        options.min_width = UInt32(minimum.width)
        options.min_height = UInt32(minimum.height)
        var image = image_rgb()
        var words = TextBytes()
        let messageBytes = Int(image_message_bytes)
        let message = UnsafeMutablePointer<CChar>.allocate(capacity: messageBytes)
        defer { message.deallocate() }
        let status = image_decode(bytes, count, &options, &image, message, messageBytes)
        guard status == image_ok else {
            if status == image_truncated { words.append("truncated: ") }
            words.append(system: message)
            return .unreadable(words)
        }
        defer { image_free(&image) }
        do {
            guard let pixels = image.pixels, let input = session.input.baseAddress else { return .unreadable(words) }
            let preprocessor = try ImagePreprocessor(
                preprocessing, sourceWidth: Int(image.width), sourceHeight: Int(image.height))
            preprocessor.run(source: pixels, sourceRowBytes: 3 * Int(image.width), output: input)
        } catch {
            words.append("its size does not suit the model's preprocessing")
            return .unreadable(words)
        }
        return nil
    }
}
