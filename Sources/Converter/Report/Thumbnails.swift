// Thumbnails: photos as small JPEG data URIs, so that the report's page needs no other file. Bytes depend on the photo
// alone.

import Foundation
import ImageCodec
import TinyRuntime

package enum Thumbnails {
    /// The longer side, in pixels; pages show it at half of that on dense screens.
    static let side = 176
    static let quality = 72

    /// - Returns: data URIs by path; a photo that cannot be read any more is left out.
    /// - Cost: decoding each photo once.
    package static func uris(of photos: [String], threads: Int) -> [String: String] {
        let made = Parallel.map(count: photos.count, threads: threads) { uri(of: photos[$0]) }
        return Dictionary(zip(photos, made).compactMap { path, uri in uri.map { (path, $0) } }) { first, _ in first }
    }

    private static func uri(of path: String) -> String? {
        guard let image = try? ImageFile.decode(path: path) else { return nil }
        let scale = min(Double(side) / Double(max(image.width, image.height)), 1)
        let width = max(Int((Double(image.width) * scale).rounded()), 1)
        let height = max(Int((Double(image.height) * scale).rounded()), 1)
        // The resizer's own limit on sources; a photo beyond it was not compared either.
        guard max(image.width, image.height) <= ImageResizer.maximumSourceSide else { return nil }
        let small = image.resized(width: width, height: height, filter: .bicubic)
        guard let bytes = try? JPEG.encode(small, quality: quality) else { return nil }
        return "data:image/jpeg;base64," + Data(bytes).base64EncodedString()
    }
}
