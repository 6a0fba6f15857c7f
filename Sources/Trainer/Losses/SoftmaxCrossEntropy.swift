// SoftmaxCrossEntropy: weight · the batch's mean cross-entropy, and its gradient, for one head.

import Tensors

package struct SoftmaxCrossEntropy: Sendable {
    /// In 0 ..< 1: that share of the target is spread over all classes evenly.
    package var labelSmoothing: Float

    package init(labelSmoothing: Float = 0) { self.labelSmoothing = labelSmoothing }

    /// - Parameters:
    ///   - logits: N C.
    ///   - labels: N of 0 ..< C.
    /// - Returns: the weighted loss and its gradient, N C.
    package func callAsFunction(_ logits: Tensor, labels: [Int], weight: Float, backend: any Backend)
        -> (loss: Float, gradient: Tensor)
    {
        let (loss, gradient) = backend.softmaxCrossEntropy(logits, labels: labels, smoothing: labelSmoothing)
        return weight == 1 ? (loss, gradient) : (weight * loss, backend.scale(gradient, by: weight))
    }
}
