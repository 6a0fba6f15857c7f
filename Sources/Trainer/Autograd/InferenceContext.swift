// InferenceContext: a forward pass with numbers only. Nothing is recorded, dropout is the identity, and batch norm uses
// its running averages; or, to estimate those anew on clean photos before export, the batch's statistics, which then
// move the averages.

import Tensors

package final class InferenceContext: ForwardContext {
    package typealias Value = Tensor

    package enum BatchNormMode: Sendable, Equatable {
        case runningAverages
        /// Normalizes by the batch and moves the averages by `momentum`: 1/k for the k-th batch leaves the mean over
        /// all batches.
        case batchStatistics(momentum: Float)
    }

    package let backend: any Backend
    package var batchNormMode: BatchNormMode

    package init(backend: any Backend, batchNorm mode: BatchNormMode = .runningAverages) {
        self.backend = backend
        batchNormMode = mode
    }

    package func convolution(
        _ x: Tensor, weight: Parameter, bias: Parameter?, window: Window, groups: Int
    ) -> Tensor {
        backend.convolution(x, weight: weight.value, bias: bias?.value, window: window, groups: groups)
    }

    package func batchNorm(_ x: Tensor, _ layer: BatchNorm, activation: Activation) -> Tensor {
        switch batchNormMode {
        case .runningAverages:
            backend.batchNormInference(
                x, scale: layer.scale.value, shift: layer.shift.value, runningMean: layer.runningMean.value,
                runningVariance: layer.runningVariance.value, epsilon: layer.epsilon, activation: activation)
        case .batchStatistics(let momentum):
            backend.batchNormTraining(
                x, scale: layer.scale.value, shift: layer.shift.value, runningMean: layer.runningMean.value,
                runningVariance: layer.runningVariance.value, momentum: momentum, epsilon: layer.epsilon,
                activation: activation
            ).output
        }
    }

    package func linear(_ x: Tensor, weight: Parameter, bias: Parameter?) -> Tensor {
        backend.linear(x, weight: weight.value, bias: bias?.value)
    }

    package func activate(_ x: Tensor, _ activation: Activation) -> Tensor { backend.activate(x, activation) }
    package func add(_ a: Tensor, _ b: Tensor) -> Tensor { backend.add(a, b) }
    package func multiply(_ a: Tensor, _ b: Tensor) -> Tensor { backend.multiply(a, b) }
    package func concat(_ parts: [Tensor]) -> Tensor { backend.concat(parts) }
    package func dropout(_ x: Tensor, rate: Float) -> Tensor { x }
    package func globalAveragePool(_ x: Tensor) -> Tensor { backend.globalAveragePool(x) }
    package func globalMaxPool(_ x: Tensor) -> Tensor { backend.globalMaxPool(x) }
    package func maxPool(_ x: Tensor, window: Window) -> Tensor { backend.maxPool(x, window: window) }
}
