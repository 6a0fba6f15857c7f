// Backend: the operations that training and float inference are made of, and who owns their memory. Layers, method and training loop
// call only this, so that another device is another conformance. Two stand here: `PlainBackend` (loops that define each op) and
// `FastBackend` (oneDNN and vector kernels, threads). Each op has a file of its own with both versions.
//
// Every function is a caller's-mistake-free zone: shapes are preconditions. Nothing is recorded here; that is Trainer's `Tape`.

/// Padding, strides and groups of a convolution or pooling.
package struct Window: Hashable, Sendable {
    package var kernelHeight: Int
    package var kernelWidth: Int
    package var strideHeight: Int
    package var strideWidth: Int
    package var padTop: Int
    package var padBottom: Int
    package var padLeft: Int
    package var padRight: Int

    package init(kernel: Int, stride: Int = 1, pad: Int = 0) {
        self.init(
            kernelHeight: kernel, kernelWidth: kernel, strideHeight: stride, strideWidth: stride,
            padTop: pad, padBottom: pad, padLeft: pad, padRight: pad)
    }

    package init(
        kernelHeight: Int, kernelWidth: Int, strideHeight: Int, strideWidth: Int,
        padTop: Int, padBottom: Int, padLeft: Int, padRight: Int
    ) {
        self.kernelHeight = kernelHeight
        self.kernelWidth = kernelWidth
        self.strideHeight = strideHeight
        self.strideWidth = strideWidth
        self.padTop = padTop
        self.padBottom = padBottom
        self.padLeft = padLeft
        self.padRight = padRight
    }

    package func outputHeight(_ inputHeight: Int) -> Int {
        (inputHeight + padTop + padBottom - kernelHeight) / strideHeight + 1
    }

    package func outputWidth(_ inputWidth: Int) -> Int {
        (inputWidth + padLeft + padRight - kernelWidth) / strideWidth + 1
    }
}

package enum Activation: Hashable, Sendable {
    case identity, relu, relu6, sigmoid
    /// max(0, x) + min(0, e^x − 1), as PyTorch's ELU with alpha 1.
    case elu
}

/// Functions of one value that are only inferred with: no gradient. The names are ONNX's.
package enum InferenceFunction: Hashable, Sendable {
    /// max(0, min(1, alpha·x + beta)).
    case hardSigmoid(alpha: Float, beta: Float)
    /// x · max(0, min(1, x/6 + 1/2)).
    case hardSwish
    /// x · sigmoid(x).
    case silu
    /// x where x ≥ 0, else slope · x.
    case leakyRelu(slope: Float)
}

/// What batch norm's backward needs of its forward: the batch's mean and 1/√(variance + epsilon), one a channel.
package struct BatchStatistics: Sendable {
    package var mean: Tensor
    package var inverseDeviation: Tensor
    package init(mean: Tensor, inverseDeviation: Tensor) {
        self.mean = mean
        self.inverseDeviation = inverseDeviation
    }
}

package protocol Backend: AnyObject, Sendable {
    /// Memory for `count` values, not initialized.
    func makeStorage(count: Int) -> any TensorStorage

    // MARK: Convolution — x: N H W I; weight: O KH KW I/groups; bias: O; result N H' W' O. Groups divide I and O.
    func convolution(_ x: Tensor, weight: Tensor, bias: Tensor?, window: Window, groups: Int) -> Tensor
    /// The input's gradient is left out where nobody asked for it (the photo).
    func convolutionBackward(
        _ x: Tensor, weight: Tensor, outputGradient: Tensor, window: Window, groups: Int, needsInputGradient: Bool,
        needsBiasGradient: Bool
    ) -> (input: Tensor?, weight: Tensor, bias: Tensor?)

    // MARK: Batch norm — over all axes but the last (N H W C or N C), followed by `activation` (identity, relu or relu6).
    /// Normalizes by the batch's mean and biased variance; moves the running averages by `momentum`, the variance's unbiased, as PyTorch does.
    func batchNormTraining(
        _ x: Tensor, scale: Tensor, shift: Tensor, runningMean: Tensor, runningVariance: Tensor, momentum: Float,
        epsilon: Float, activation: Activation
    ) -> (output: Tensor, statistics: BatchStatistics)
    func batchNormTrainingBackward(
        _ x: Tensor, output: Tensor, scale: Tensor, shift: Tensor, statistics: BatchStatistics, activation: Activation,
        outputGradient: Tensor
    ) -> (input: Tensor, scale: Tensor, shift: Tensor)
    func batchNormInference(
        _ x: Tensor, scale: Tensor, shift: Tensor, runningMean: Tensor, runningVariance: Tensor, epsilon: Float,
        activation: Activation
    ) -> Tensor

    // MARK: Linear — x: N I; weight: O I; bias: O; result N O.
    func linear(_ x: Tensor, weight: Tensor, bias: Tensor?) -> Tensor
    func linearBackward(_ x: Tensor, weight: Tensor, outputGradient: Tensor, needsBiasGradient: Bool)
        -> (input: Tensor, weight: Tensor, bias: Tensor?)

    // MARK: Elementwise
    func activate(_ x: Tensor, _ activation: Activation) -> Tensor
    /// From the forward's output alone (each of these has its derivative in it).
    func activateBackward(output: Tensor, _ activation: Activation, outputGradient: Tensor) -> Tensor
    /// max(low, min(high, x)): ONNX's Clip; inference only.
    func clamp(_ x: Tensor, low: Float, high: Float) -> Tensor
    func apply(_ function: InferenceFunction, to x: Tensor) -> Tensor
    func add(_ a: Tensor, _ b: Tensor) -> Tensor
    func multiply(_ a: Tensor, _ b: Tensor) -> Tensor
    /// x: N H W C, factors: N C; every pixel's channel times its factor. Inference only.
    func scaleChannels(_ x: Tensor, by factors: Tensor) -> Tensor
    func scale(_ x: Tensor, by factor: Float) -> Tensor
    /// target += x
    func accumulate(_ x: Tensor, into target: Tensor)
    /// Zero, or 1/(1−rate), independently; the same numbers on every backend for one seed. Multiply by it forward and backward.
    func dropoutMask(shape: [Int], rate: Float, seed: UInt64) -> Tensor

    // MARK: Pooling and joining — images N H W C
    func globalAveragePool(_ x: Tensor) -> Tensor  // → N C
    func globalAveragePoolBackward(inputShape: [Int], outputGradient: Tensor) -> Tensor
    func globalMaxPool(_ x: Tensor) -> Tensor  // → N C
    /// The gradient goes to the first pixel (in row-major order) that holds the maximum.
    func globalMaxPoolBackward(_ x: Tensor, output: Tensor, outputGradient: Tensor) -> Tensor
    /// Padding never wins.
    func maxPool(_ x: Tensor, window: Window) -> Tensor
    func maxPoolBackward(_ x: Tensor, output: Tensor, window: Window, outputGradient: Tensor) -> Tensor
    /// Σ of a window's pixels over the window's size or, where padding does not count, over the number of pixels
    /// inside the image. Inference only.
    func averagePool(_ x: Tensor, window: Window, countsPadding: Bool) -> Tensor
    /// Along the last axis.
    func concat(_ parts: [Tensor]) -> Tensor
    /// The inverse of `concat`: sizes of the last axis.
    func split(_ x: Tensor, sizes: [Int]) -> [Tensor]

    // MARK: Loss — logits: N C; labels 0 ..< C; smoothing in 0 ..< 1 moves that share of the target to all classes evenly.
    /// Mean over the batch, and its gradient with respect to the logits.
    func softmaxCrossEntropy(_ logits: Tensor, labels: [Int], smoothing: Float) -> (loss: Float, gradient: Tensor)

    // MARK: Pixels and steps
    /// Pixel p of every image of the result is pixel `source[p]` (row-major) of the same image of x: N H W C.
    func permutePixels(_ x: Tensor, source: [Int32]) -> Tensor
    /// PyTorch's SGD: g = gradient + decay·p; v = momentum·v + g (v = g on the first step: v starts as zeros); p −= rate·v. In place. A missing gradient is zero.
    func stepSGD(
        parameter: Tensor, gradient: Tensor?, velocity: Tensor, learningRate: Float, momentum: Float, weightDecay: Float
    )
}

extension Backend {
    package func makeTensor(shape: [Int]) -> Tensor {
        Tensor(shape: shape, storage: makeStorage(count: shape.reduce(1, *)))
    }

    package func makeTensor(shape: [Int], values: [Float]) -> Tensor {
        let tensor = makeTensor(shape: shape)
        values.withUnsafeBufferPointer { tensor.storage.write(from: $0) }
        return tensor
    }

    package func makeTensor(shape: [Int], repeating value: Float) -> Tensor {
        makeTensor(shape: shape, values: [Float](repeating: value, count: shape.reduce(1, *)))
    }
}
