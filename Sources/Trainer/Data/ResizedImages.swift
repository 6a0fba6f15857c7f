// ResizedImages: a list of photos, decoded and resized, kept in memory as far as a bound allows; the rest is decoded each time.
// Decoding is the dear part of loading, and small sets are decoded once. Left out: crops (Augmentation, or the centre below).

import Foundation
import ImageCodec
import TinyRuntime

package final class ResizedImages: @unchecked Sendable {
    package let samples: [ImageFolder.Sample]
    /// How a photo becomes the network's input on the device; training replaces its centre crop by a random one.
    package let preprocessing: Preprocessing
    private let lock = NSLock()
    // Both are read and written only under `lock`.
    private var images: [RGBImage?]
    private var freeBytes: Int

    /// - Parameter memoryLimit: Bytes of pixels to keep.
    package init(samples: [ImageFolder.Sample], preprocessing: Preprocessing, memoryLimit: Int) {
        self.samples = samples
        self.preprocessing = preprocessing
        images = [RGBImage?](repeating: nil, count: samples.count)
        freeBytes = memoryLimit
    }

    /// The photo after EXIF orientation and resize, before any crop. Safe from several threads.
    /// - Throws: `DatasetError.badImage`.
    package func image(at index: Int) throws(DatasetError) -> RGBImage {
        if let kept = lock.withLock({ images[index] }) { return kept }
        let image = try decode(samples[index].path)
        lock.withLock {
            guard images[index] == nil, freeBytes >= image.pixels.count else { return }
            freeBytes -= image.pixels.count
            images[index] = image
        }
        return image
    }

    /// The pixels that the device would see: the centre crop, cropHeight × cropWidth × 3.
    package func centreCrop(at index: Int) throws(DatasetError) -> RGBImage {
        let image = try image(at: index)
        let x = (image.width - preprocessing.cropWidth) / 2
        let y = (image.height - preprocessing.cropHeight) / 2
        return image.cropped(x: x, y: y, width: preprocessing.cropWidth, height: preprocessing.cropHeight)
    }

    /// The same photos without those at `bad`; what was decoded is kept.
    package func removing(_ bad: Set<Int>) -> ResizedImages {
        guard !bad.isEmpty else { return self }
        let good = samples.indices.filter { !bad.contains($0) }
        return lock.withLock {
            let rest = ResizedImages(
                samples: good.map { samples[$0] }, preprocessing: preprocessing, memoryLimit: freeBytes)
            rest.images = good.map { images[$0] }
            return rest
        }
    }

    private func decode(_ path: String) throws(DatasetError) -> RGBImage {
        do throws(ImageError) {
            let photo = try ImageFile.decode(path: path, for: preprocessing)
            // The contract's resize alone: the crop is as large as the resized photo.
            let (width, height) = preprocessing.resizedSize(sourceWidth: photo.width, sourceHeight: photo.height)
            return try photo.preprocessed(
                by: Preprocessing(
                    resizeMode: .squash, filter: preprocessing.filter, resizeWidth: width, resizeHeight: height,
                    cropWidth: width, cropHeight: height))
        } catch {
            throw DatasetError.badImage(path: path, reason: "\(error.underlying)")
        }
    }
}
