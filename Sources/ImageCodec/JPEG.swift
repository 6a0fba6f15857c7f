// JPEG: writing, for thumbnails in reports, tests and tools. Reading is ImageFile's.

import CImageShim

package enum JPEG {
    /// A baseline JPEG, 4:2:0.
    ///
    /// - Parameter quality: 1…100.
    /// - Throws: `ImageError.badArgument` (quality, or a side above 65500), `.outOfMemory`.
    package static func encode(_ image: RGBImage, quality: Int) throws(ImageError) -> [UInt8] {
        guard image.width > 0, image.height > 0, image.width <= 65535, image.height <= 65535 else {
            throw .badArgument(reason: "an image of \(image.width)×\(image.height)")
        }
        var bytes: UnsafeMutablePointer<UInt8>?
        defer { image_free_bytes(bytes) }
        var count = 0
        let (status, reason) = withShimMessage { message, size in
            image.pixels.withUnsafeBufferPointer {
                image_encode_jpeg(
                    $0.baseAddress, UInt32(image.width), UInt32(image.height), Int32(clamping: quality), &bytes, &count,
                    message,
                    size)
            }
        }
        guard status == image_ok, let bytes else { throw ImageError(status, reason) }
        return Array(UnsafeBufferPointer(start: bytes, count: count))
    }
}
