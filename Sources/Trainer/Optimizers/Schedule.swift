// Schedule: the factor on both learning rates, by iteration. Both are half a cosine; they differ in where it ends.

import Foundation

package enum Schedule: String, Codable, Sendable, CaseIterable {
    /// To zero over the run.
    case cosine
    /// What the paper's released code does: it divides by the run's images where it means batches, so that the factor
    /// hardly falls (to 0.9976 for 5,994 images, batches of 32 and 150 epochs).
    case released

    /// - Parameters:
    ///   - iteration: 0 … iterationsPerEpoch · epochs. The last step of a run is one before the end, where cosine's
    ///     factor is 0.
    ///   - imagesPerEpoch: the training set's size, the dropped last batch included.
    package func factor(iteration: Int, iterationsPerEpoch: Int, imagesPerEpoch: Int, epochs: Int) -> Float {
        let length =
            switch self {
            case .cosine: iterationsPerEpoch * epochs
            case .released: imagesPerEpoch * epochs
            }
        guard length > 0 else { return 1 }
        return Float(0.5 * (1 + cos(Double.pi * Double(iteration) / Double(length))))
    }
}
