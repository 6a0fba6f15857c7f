// Validation: how well a network answers on photos it does not learn from, with the pixels that the device would see: resize and centre
// crop by the `Preprocessing`, no augmentation, batch norm by its running averages. Left out: confusion and calibration (Evaluation).

import Foundation
import Tensors

package struct Validation: Sendable, Equatable {
    package var images: Int
    /// Share of right answers of each head, 0…1.
    package var headTop1: [Double]
    /// Share of right answers of the heads' sum, 0…1.
    package var top1: Double
    /// Mean cross-entropy of the heads' sum.
    package var loss: Double

    package init(images: Int, headTop1: [Double], top1: Double, loss: Double) {
        self.images = images
        self.headTop1 = headTop1
        self.top1 = top1
        self.loss = loss
    }

    /// - Parameter shouldStop: Asked between batches.
    /// - Returns: nil without images, or when stopped.
    /// - Throws: `DatasetError.badImage` for a photo that has become unreadable since it was checked.
    package static func run(
        _ network: any Network, on images: ResizedImages, normalization: Normalization, batchSize: Int, workers: Int,
        backend: any Backend, shouldStop: () -> Bool = { false }
    ) throws -> Validation? {
        guard !images.samples.isEmpty else { return nil }
        let context = InferenceContext(backend: backend)
        let batches = BatchLoader.centreCrops(of: images, batchSize: batchSize, workers: workers)
        var right: [Int] = []
        var answersRight = 0
        var loss = 0.0
        while let batch = try batches.next() {
            if shouldStop() { return nil }
            let pixels = normalization.tensor(
                pixels: batch.pixels, count: batch.count, height: batch.height, width: batch.width, backend: backend)
            let heads = network.forward(pixels, in: context)
            // The method's answer is the sum of its heads (`Network.answer`); from their logits it costs nothing.
            let sum = heads.dropFirst().reduce(heads[0]) { backend.add($0, $1) }
            if right.isEmpty { right = [Int](repeating: 0, count: heads.count) }
            for (head, logits) in heads.enumerated() { right[head] += count(right: logits, batch.labels) }
            answersRight += count(right: sum, batch.labels)
            loss +=
                Double(backend.softmaxCrossEntropy(sum, labels: batch.labels, smoothing: 0).loss) * Double(batch.count)
        }
        let total = Double(images.samples.count)
        return Validation(
            images: images.samples.count, headTop1: right.map { Double($0) / total },
            top1: Double(answersRight) / total, loss: loss / total)
    }

    /// How many rows of N C have their largest value, the first of equals, at the label. A row with a NaN has none.
    private static func count(right logits: Tensor, _ labels: [Int]) -> Int {
        let classes = logits.shape[1]
        let values = logits.array()
        return labels.indices.count { row in
            let scores = values[row * classes..<(row + 1) * classes]
            guard let best = scores.max(), !scores.contains(where: \.isNaN) else { return false }
            return scores.firstIndex(of: best) == row * classes + labels[row]
        }
    }
}
