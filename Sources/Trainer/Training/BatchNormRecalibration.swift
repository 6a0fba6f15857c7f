// BatchNormRecalibration: batch norm's averages estimated anew before export. Progressive training shows three mosaics for each whole
// photo, so the running averages describe mosaics; the device only ever shows whole photos. Photos pass in training's batch size with the
// batch's own statistics, and the averages become the plain mean over all batches (as PyTorch's `update_bn` does). No weight changes.

import Tensors

package enum BatchNormRecalibration {
    /// More photos do not change an average any more.
    package static let imageLimit = 4096

    /// - Parameters:
    ///   - images: The training photos; their centre crops are shown, in an order drawn from the recipe's seed. An incomplete batch is left out.
    ///   - shouldStop: Asked between batches; when it says so, the averages are half-made and the network is to be thrown away.
    /// - Returns: Photos shown; 0 where they do not fill one batch, and nothing has changed.
    package static func run(
        _ network: any Network, on images: ResizedImages, recipe: TrainingRecipe, workers: Int, backend: any Backend,
        shouldStop: () -> Bool = { false }
    ) throws -> Int {
        let batchSize = recipe.batchSize
        let count = min(images.samples.count, max(imageLimit, batchSize)) / batchSize * batchSize
        var random = RandomStream(key: [recipe.seed, purpose])
        let order = Array(Array(images.samples.indices).shuffled(using: &random).prefix(count))
        let batches = BatchLoader.centreCrops(of: images, order: order, batchSize: batchSize, workers: workers)
        var shown = 0
        while let batch = try batches.next(), !shouldStop() {
            shown += batch.count
            // Momentum 1/k for the k-th batch leaves the mean of all k; the first replaces what was there.
            let context = InferenceContext(
                backend: backend, batchNorm: .batchStatistics(momentum: Float(batchSize) / Float(shown)))
            let pixels = recipe.normalization.tensor(
                pixels: batch.pixels, count: batch.count, height: batch.height, width: batch.width, backend: backend)
            _ = network.forward(pixels, in: context)
        }
        return shown
    }

    private static let purpose: UInt64 = 0x42_4E_43_41_4C  // "BNCAL"
}
