// Operations whose plain version serves here too.

extension FastBackend {
    package func convolution(_ x: Tensor, weight: Tensor, bias: Tensor?, window: Window, groups: Int) -> Tensor {
        plain.convolution(x, weight: weight, bias: bias, window: window, groups: groups)
    }

    package func convolutionBackward(
        _ x: Tensor, weight: Tensor, outputGradient: Tensor, window: Window, groups: Int, needsInputGradient: Bool,
        needsBiasGradient: Bool
    ) -> (input: Tensor?, weight: Tensor, bias: Tensor?) {
        plain.convolutionBackward(
            x, weight: weight, outputGradient: outputGradient, window: window, groups: groups,
            needsInputGradient: needsInputGradient, needsBiasGradient: needsBiasGradient)
    }

    package func batchNormTraining(
        _ x: Tensor, scale: Tensor, shift: Tensor, runningMean: Tensor, runningVariance: Tensor, momentum: Float,
        epsilon: Float, activation: Activation
    ) -> (output: Tensor, statistics: BatchStatistics) {
        plain.batchNormTraining(
            x, scale: scale, shift: shift, runningMean: runningMean, runningVariance: runningVariance,
            momentum: momentum, epsilon: epsilon, activation: activation)
    }

    package func batchNormTrainingBackward(
        _ x: Tensor, output: Tensor, scale: Tensor, shift: Tensor, statistics: BatchStatistics, activation: Activation,
        outputGradient: Tensor
    ) -> (input: Tensor, scale: Tensor, shift: Tensor) {
        plain.batchNormTrainingBackward(
            x, output: output, scale: scale, shift: shift, statistics: statistics, activation: activation,
            outputGradient: outputGradient)
    }

    package func batchNormInference(
        _ x: Tensor, scale: Tensor, shift: Tensor, runningMean: Tensor, runningVariance: Tensor, epsilon: Float,
        activation: Activation
    ) -> Tensor {
        plain.batchNormInference(
            x, scale: scale, shift: shift, runningMean: runningMean, runningVariance: runningVariance, epsilon: epsilon,
            activation: activation)
    }

    package func linear(_ x: Tensor, weight: Tensor, bias: Tensor?) -> Tensor {
        plain.linear(x, weight: weight, bias: bias)
    }

    package func linearBackward(_ x: Tensor, weight: Tensor, outputGradient: Tensor, needsBiasGradient: Bool) -> (
        input: Tensor, weight: Tensor, bias: Tensor?
    ) {
        plain.linearBackward(x, weight: weight, outputGradient: outputGradient, needsBiasGradient: needsBiasGradient)
    }

    package func activate(_ x: Tensor, _ activation: Activation) -> Tensor {
        plain.activate(x, activation)
    }

    package func activateBackward(output: Tensor, _ activation: Activation, outputGradient: Tensor) -> Tensor {
        plain.activateBackward(output: output, activation, outputGradient: outputGradient)
    }

    package func clamp(_ x: Tensor, low: Float, high: Float) -> Tensor {
        plain.clamp(x, low: low, high: high)
    }

    package func add(_ a: Tensor, _ b: Tensor) -> Tensor {
        plain.add(a, b)
    }

    package func multiply(_ a: Tensor, _ b: Tensor) -> Tensor {
        plain.multiply(a, b)
    }

    package func scale(_ x: Tensor, by factor: Float) -> Tensor {
        plain.scale(x, by: factor)
    }

    package func accumulate(_ x: Tensor, into target: Tensor) {
        plain.accumulate(x, into: target)
    }

    package func dropoutMask(shape: [Int], rate: Float, seed: UInt64) -> Tensor {
        plain.dropoutMask(shape: shape, rate: rate, seed: seed)
    }

    package func globalAveragePool(_ x: Tensor) -> Tensor {
        plain.globalAveragePool(x)
    }

    package func globalAveragePoolBackward(inputShape: [Int], outputGradient: Tensor) -> Tensor {
        plain.globalAveragePoolBackward(inputShape: inputShape, outputGradient: outputGradient)
    }

    package func globalMaxPool(_ x: Tensor) -> Tensor {
        plain.globalMaxPool(x)
    }

    package func globalMaxPoolBackward(_ x: Tensor, output: Tensor, outputGradient: Tensor) -> Tensor {
        plain.globalMaxPoolBackward(x, output: output, outputGradient: outputGradient)
    }

    package func maxPool(_ x: Tensor, window: Window) -> Tensor {
        plain.maxPool(x, window: window)
    }

    package func maxPoolBackward(_ x: Tensor, output: Tensor, window: Window, outputGradient: Tensor) -> Tensor {
        plain.maxPoolBackward(x, output: output, window: window, outputGradient: outputGradient)
    }

    package func concat(_ parts: [Tensor]) -> Tensor {
        plain.concat(parts)
    }

    package func split(_ x: Tensor, sizes: [Int]) -> [Tensor] {
        plain.split(x, sizes: sizes)
    }

    package func softmaxCrossEntropy(_ logits: Tensor, labels: [Int], smoothing: Float) -> (
        loss: Float, gradient: Tensor
    ) {
        plain.softmaxCrossEntropy(logits, labels: labels, smoothing: smoothing)
    }

    package func permutePixels(_ x: Tensor, source: [Int32]) -> Tensor {
        plain.permutePixels(x, source: source)
    }

    package func stepSGD(
        parameter: Tensor, gradient: Tensor?, velocity: Tensor, learningRate: Float, momentum: Float, weightDecay: Float
    ) {
        plain.stepSGD(
            parameter: parameter, gradient: gradient, velocity: velocity, learningRate: learningRate,
            momentum: momentum, weightDecay: weightDecay)
    }
}
