// Batch norm (Ioffe, Szegedy 2015) over all axes but the last, followed by an activation:
//   training:  y = f(scale · (x − mean) / √(variance + epsilon) + shift), mean and biased variance of the batch;
//   inference: the same with the running averages.
// Backward, with g = dy where the activation was in its linear part, x̂ = (x − mean)/σ, M values a channel:
//   dshift = Σg,  dscale = Σ g·x̂,  dx = scale/σ · (g − dshift/M − x̂·dscale/M).
// The activation's linear part is found from the output: y > 0 (relu), 0 < y < 6 (relu6), as PyTorch does.

import CTensorKernels

extension PlainBackend {
    package func batchNormTraining(
        _ x: Tensor, scale: Tensor, shift: Tensor, runningMean: Tensor, runningVariance: Tensor, momentum: Float,
        epsilon: Float, activation: Activation
    ) -> (output: Tensor, statistics: BatchStatistics) {
        let channels = checkBatchNorm(x, [scale, shift, runningMean, runningVariance], activation)
        let rows = x.count / channels
        precondition(rows > 0, "batch norm of no values: \(x.shape)")
        let result = makeTensor(shape: x.shape)
        let mean = makeTensor(shape: [channels])
        let inverseDeviation = makeTensor(shape: [channels])
        let (input, output) = (x.host, result.host)
        for c in 0..<channels {
            var sum = 0.0
            for row in 0..<rows { sum += Double(input[row * channels + c]) }
            let average = sum / Double(rows)
            var squares = 0.0
            for row in 0..<rows {
                let difference = Double(input[row * channels + c]) - average
                squares += difference * difference
            }
            let variance = squares / Double(rows)
            let inverse = 1 / (variance + Double(epsilon)).squareRoot()
            mean.host[c] = Float(average)
            inverseDeviation.host[c] = Float(inverse)
            let unbiased = rows > 1 ? squares / Double(rows - 1) : variance
            runningMean.host[c] += momentum * (Float(average) - runningMean.host[c])
            runningVariance.host[c] += momentum * (Float(unbiased) - runningVariance.host[c])
            let a = Double(scale.host[c]) * inverse
            for row in 0..<rows {
                let index = row * channels + c
                let y = a * (Double(input[index]) - average) + Double(shift.host[c])
                output[index] = activation.value(Float(y))
            }
        }
        return (result, BatchStatistics(mean: mean, inverseDeviation: inverseDeviation))
    }

    package func batchNormTrainingBackward(
        _ x: Tensor, output: Tensor, scale: Tensor, shift: Tensor, statistics: BatchStatistics, activation: Activation,
        outputGradient: Tensor
    ) -> (input: Tensor, scale: Tensor, shift: Tensor) {
        let channels = checkBatchNorm(
            x, [scale, shift, statistics.mean, statistics.inverseDeviation], activation)
        precondition(
            output.shape == x.shape && outputGradient.shape == x.shape,
            "input \(x.shape), output \(output.shape), gradient \(outputGradient.shape)")
        let rows = x.count / channels
        let result = makeTensor(shape: x.shape)
        let scaleGradient = makeTensor(shape: [channels])
        let shiftGradient = makeTensor(shape: [channels])
        let (input, y, dy, dx) = (x.host, output.host, outputGradient.host, result.host)
        for c in 0..<channels {
            let mean = Double(statistics.mean.host[c])
            let inverse = Double(statistics.inverseDeviation.host[c])
            func gradient(_ index: Int) -> Double { Double(activation.slope(output: y[index]) * dy[index]) }
            func normalized(_ index: Int) -> Double { (Double(input[index]) - mean) * inverse }
            var sum = 0.0
            var product = 0.0
            for row in 0..<rows {
                let index = row * channels + c
                sum += gradient(index)
                product += gradient(index) * normalized(index)
            }
            shiftGradient.host[c] = Float(sum)
            scaleGradient.host[c] = Float(product)
            let factor = Double(scale.host[c]) * inverse
            for row in 0..<rows {
                let index = row * channels + c
                dx[index] = Float(
                    factor * (gradient(index) - sum / Double(rows) - normalized(index) * product / Double(rows)))
            }
        }
        return (result, scaleGradient, shiftGradient)
    }

    package func batchNormInference(
        _ x: Tensor, scale: Tensor, shift: Tensor, runningMean: Tensor, runningVariance: Tensor, epsilon: Float,
        activation: Activation
    ) -> Tensor {
        let channels = checkBatchNorm(x, [scale, shift, runningMean, runningVariance], activation)
        let result = makeTensor(shape: x.shape)
        let (input, output) = (x.host, result.host)
        for c in 0..<channels {
            let a = Double(scale.host[c]) / (Double(runningVariance.host[c]) + Double(epsilon)).squareRoot()
            for index in stride(from: c, to: x.count, by: channels) {
                let y = a * (Double(input[index]) - Double(runningMean.host[c])) + Double(shift.host[c])
                output[index] = activation.value(Float(y))
            }
        }
        return result
    }
}

/// The number of channels, with every parameter checked to have as many.
func checkBatchNorm(_ x: Tensor, _ parameters: [Tensor], _ activation: Activation) -> Int {
    guard let channels = x.shape.last, channels > 0 else { preconditionFailure("batch norm of \(x.shape)") }
    for parameter in parameters {
        precondition(parameter.shape == [channels], "batch norm of \(x.shape) with a parameter \(parameter.shape)")
    }
    precondition(
        [.identity, .relu, .relu6].contains(activation),
        "batch norm is followed by identity, relu or relu6, not \(activation)")
    return channels
}

extension FastBackend {
    package func batchNormTraining(
        _ x: Tensor, scale: Tensor, shift: Tensor, runningMean: Tensor, runningVariance: Tensor, momentum: Float,
        epsilon: Float, activation: Activation
    ) -> (output: Tensor, statistics: BatchStatistics) {
        let channels = checkBatchNorm(x, [scale, shift, runningMean, runningVariance], activation)
        precondition(x.count > 0, "batch norm of no values: \(x.shape)")
        let result = makeTensor(shape: x.shape)
        let statistics = BatchStatistics(
            mean: makeTensor(shape: [channels]), inverseDeviation: makeTensor(shape: [channels]))
        tensor_batch_norm_training(
            engine, x.count / channels, channels, x.host, scale.host, shift.host, runningMean.host,
            runningVariance.host,
            momentum, epsilon, activation.kernel, result.host, statistics.mean.host, statistics.inverseDeviation.host)
        return (result, statistics)
    }

    package func batchNormTrainingBackward(
        _ x: Tensor, output: Tensor, scale: Tensor, shift: Tensor, statistics: BatchStatistics, activation: Activation,
        outputGradient: Tensor
    ) -> (input: Tensor, scale: Tensor, shift: Tensor) {
        let channels = checkBatchNorm(x, [scale, shift, statistics.mean, statistics.inverseDeviation], activation)
        precondition(
            output.shape == x.shape && outputGradient.shape == x.shape,
            "input \(x.shape), output \(output.shape), gradient \(outputGradient.shape)")
        // The output is computed anew from x, which the backward reads anyway, by the forward's own arithmetic.
        let scaleGradient = makeTensor(shape: [channels])
        let shiftGradient = makeTensor(shape: [channels])
        let pending = PendingGradient(
            backend: self, x: x, outputGradient: outputGradient, statistics: statistics, shift: shift,
            activation: activation)
        tensor_batch_norm_backward(
            engine, x.count / channels, channels, x.host, scale.host, shift.host, statistics.mean.host,
            statistics.inverseDeviation.host, activation.kernel, outputGradient.host, scaleGradient.host,
            shiftGradient.host, pending.a, pending.k, pending.c)
        return (Tensor(shape: x.shape, storage: pending), scaleGradient, shiftGradient)
    }

    package func batchNormInference(
        _ x: Tensor, scale: Tensor, shift: Tensor, runningMean: Tensor, runningVariance: Tensor, epsilon: Float,
        activation: Activation
    ) -> Tensor {
        let channels = checkBatchNorm(x, [scale, shift, runningMean, runningVariance], activation)
        let result = makeTensor(shape: x.shape)
        let factors = (0..<channels).map {
            Float(Double(scale.host[$0]) / (Double(runningVariance.host[$0]) + Double(epsilon)).squareRoot())
        }
        tensor_channel_affine(
            engine, x.count / channels, channels, x.host, factors, runningMean.host, shift.host, activation.kernel,
            result.host)
        return result
    }
}
