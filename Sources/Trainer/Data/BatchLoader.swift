// BatchLoader: the batches of one epoch, made ahead of the training step by background threads: order shuffled by (seed, epoch),
// each photo augmented by (seed, epoch, sample). The last incomplete batch is dropped. The same bytes for any number of workers.

import TinyRuntime

/// Photos as bytes; `Normalization` makes the tensor of them where it is needed, a quarter of the memory until then.
package struct Batch: Sendable, Equatable {
    /// N × height × width × 3.
    package var pixels: [UInt8]
    package var labels: [Int]
    package var height: Int
    package var width: Int
    package var count: Int { labels.count }
}

package final class BatchLoader {
    private let prefetcher: Prefetcher<Batch>

    /// Batches an epoch.
    package static func batchCount(images: Int, batchSize: Int) -> Int { images / batchSize }

    /// - Parameters:
    ///   - epoch: From 0; another epoch is another order and other crops.
    ///   - workers: Threads that decode and augment, at least 1.
    package init(
        _ images: ResizedImages, augmentation: Augmentation, batchSize: Int, seed: UInt64, epoch: Int, workers: Int
    ) {
        precondition(batchSize >= 1, "batch size \(batchSize)")
        let order = Self.order(count: images.samples.count, seed: seed, epoch: epoch)
        prefetcher = Prefetcher(
            count: Self.batchCount(images: order.count, batchSize: batchSize), workers: workers, ahead: workers + 1
        ) { batch in
            var pixels: [UInt8] = []
            pixels.reserveCapacity(batchSize * augmentation.cropHeight * augmentation.cropWidth * 3)
            var labels: [Int] = []
            for sample in order[batch * batchSize..<(batch + 1) * batchSize] {
                let image = augmentation.apply(
                    to: try images.image(at: sample), seed: seed, epoch: epoch, sample: sample)
                pixels += image.pixels
                labels.append(images.samples[sample].label)
            }
            return Batch(
                pixels: pixels, labels: labels, height: augmentation.cropHeight, width: augmentation.cropWidth)
        }
    }

    /// The next batch, nil after the last.
    /// - Throws: `DatasetError.badImage` for a photo that has become unreadable since it was checked.
    package func next() throws -> Batch? { try prefetcher.next() }

    /// The samples' order in an epoch: each once.
    package static func order(count: Int, seed: UInt64, epoch: Int) -> [Int] {
        var random = RandomStream(key: [seed, orderPurpose, UInt64(epoch)])
        return Array(0..<count).shuffled(using: &random)
    }

    private static let orderPurpose: UInt64 = 0x4F52444552  // "ORDER"

    /// Centre crops in the index's order, without augmentation; the last batch may be smaller. For validation and for batch norm's statistics.
    package static func centreCrops(
        of images: ResizedImages, order: [Int]? = nil, batchSize: Int, workers: Int
    ) -> Prefetcher<Batch> {
        let order = order ?? Array(images.samples.indices)
        let preprocessing = images.preprocessing
        return Prefetcher(count: (order.count + batchSize - 1) / batchSize, workers: workers, ahead: workers + 1) {
            batch in
            var pixels: [UInt8] = []
            var labels: [Int] = []
            for sample in order[batch * batchSize..<min((batch + 1) * batchSize, order.count)] {
                pixels += try images.centreCrop(at: sample).pixels
                labels.append(images.samples[sample].label)
            }
            return Batch(
                pixels: pixels, labels: labels, height: preprocessing.cropHeight, width: preprocessing.cropWidth)
        }
    }
}
