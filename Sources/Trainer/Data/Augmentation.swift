// Augmentation: what training changes about a photo each time it is shown: a random crop of the resized photo and, unless mirror
// images mean something else (text, number plates), a horizontal flip. Drawn from (seed, epoch, sample), so neither the number of
// workers nor the order of their work changes a pixel. The resize before it is the `Preprocessing`'s, as on the device.

import ImageCodec
import TinyRuntime

package struct Augmentation: Sendable, Equatable {
    package var cropWidth: Int
    package var cropHeight: Int
    package var flips: Bool

    package init(cropWidth: Int, cropHeight: Int, flips: Bool) {
        self.cropWidth = cropWidth
        self.cropHeight = cropHeight
        self.flips = flips
    }

    /// Where the crop begins and whether it is mirrored.
    package struct Draw: Sendable, Hashable {
        package var x: Int
        package var y: Int
        package var isFlipped: Bool
    }

    /// Every position is equally likely; the flip has probability one half.
    /// - Parameters:
    ///   - width, height: Of the resized photo, at least the crop's.
    ///   - sample: The photo's place in the index, not in the epoch's order.
    package func draw(width: Int, height: Int, seed: UInt64, epoch: Int, sample: Int) -> Draw {
        precondition(
            width >= cropWidth && height >= cropHeight, "a crop of \(cropWidth)×\(cropHeight) from \(width)×\(height)")
        var random = RandomStream(key: [seed, Self.purpose, UInt64(epoch), UInt64(sample)])
        let x = random.index(below: width - cropWidth + 1)
        let y = random.index(below: height - cropHeight + 1)
        let mirrored = random.next() >> 63 == 1
        return Draw(x: x, y: y, isFlipped: flips && mirrored)
    }

    /// - Returns: cropHeight × cropWidth × 3 pixels.
    package func apply(to resized: RGBImage, seed: UInt64, epoch: Int, sample: Int) -> RGBImage {
        let draw = draw(width: resized.width, height: resized.height, seed: seed, epoch: epoch, sample: sample)
        let crop = resized.cropped(x: draw.x, y: draw.y, width: cropWidth, height: cropHeight)
        return draw.isFlipped ? crop.flippedHorizontally() : crop
    }

    private static let purpose: UInt64 = 0x43524F50  // "CROP"
}
