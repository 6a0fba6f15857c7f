// RGBImage: a decoded photo, 8 bits a channel, R G B interleaved, rows without gaps. Left out: alpha (laid over white
// when read), colour profiles.

package struct RGBImage: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// height × width × 3
    package var pixels: [UInt8]

    package init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(pixels.count == width * height * 3, "\(pixels.count) bytes for \(width)×\(height) RGB pixels")
        self.width = width
        self.height = height
        self.pixels = pixels
    }
}
