// Linear: y[n, o] = bias[o] + Σ x[n, i]·w[o, i]. x: N I; weight: O I; bias: O; y: N O.

import CTensorKernels

extension PlainBackend {
    package func linear(_ x: Tensor, weight: Tensor, bias: Tensor?) -> Tensor {
        let (batch, inputs, outputs) = checkLinear(x, weight: weight)
        checkBias(bias, channels: outputs)
        let result = makeTensor(shape: [batch, outputs])
        let (input, kernel, offsets, output) = (x.host, weight.host, bias?.host, result.host)
        for n in 0..<batch {
            for o in 0..<outputs {
                var sum = Double(offsets?[o] ?? 0)
                for i in 0..<inputs { sum += Double(input[n * inputs + i]) * Double(kernel[o * inputs + i]) }
                output[n * outputs + o] = Float(sum)
            }
        }
        return result
    }

    package func linearBackward(_ x: Tensor, weight: Tensor, outputGradient: Tensor, needsBiasGradient: Bool)
        -> (input: Tensor, weight: Tensor, bias: Tensor?)
    {
        let (batch, inputs, outputs) = checkLinear(x, weight: weight)
        precondition(
            outputGradient.shape == [batch, outputs],
            "gradient \(outputGradient.shape) of an output \([batch, outputs])")
        let inputGradient = makeTensor(shape: x.shape)
        let weightGradient = makeTensor(shape: weight.shape)
        let (input, kernel, dy) = (x.host, weight.host, outputGradient.host)
        let (dx, dw) = (inputGradient.host, weightGradient.host)
        for n in 0..<batch {
            for i in 0..<inputs {
                var sum = 0.0
                for o in 0..<outputs { sum += Double(dy[n * outputs + o]) * Double(kernel[o * inputs + i]) }
                dx[n * inputs + i] = Float(sum)
            }
        }
        for o in 0..<outputs {
            for i in 0..<inputs {
                var sum = 0.0
                for n in 0..<batch { sum += Double(dy[n * outputs + o]) * Double(input[n * inputs + i]) }
                dw[o * inputs + i] = Float(sum)
            }
        }
        return (inputGradient, weightGradient, needsBiasGradient ? sumOfRows(outputGradient) : nil)
    }

    /// Σ over all axes but the last.
    func sumOfRows(_ x: Tensor) -> Tensor {
        let channels = x.shape[x.shape.count - 1]
        let result = makeTensor(shape: [channels])
        let (input, sums) = (x.host, result.host)
        for c in 0..<channels {
            var sum = 0.0
            for index in stride(from: c, to: x.count, by: channels) { sum += Double(input[index]) }
            sums[c] = Float(sum)
        }
        return result
    }
}

func checkLinear(_ x: Tensor, weight: Tensor) -> (batch: Int, inputs: Int, outputs: Int) {
    precondition(
        x.shape.count == 2 && weight.shape.count == 2 && x.shape[1] == weight.shape[1],
        "linear of \(x.shape) by weights \(weight.shape)")
    return (x.shape[0], x.shape[1], weight.shape[0])
}

extension FastBackend {
    package func linear(_ x: Tensor, weight: Tensor, bias: Tensor?) -> Tensor {
        let (batch, inputs, outputs) = checkLinear(x, weight: weight)
        checkBias(bias, channels: outputs)
        if arithmetic == .reproducible {
            // A convolution of one pixel an image.
            return convolution(
                x.reshaped([batch, 1, 1, inputs]), weight: weight.reshaped([outputs, 1, 1, inputs]), bias: bias,
                window: Window(kernel: 1), groups: 1
            ).reshaped([batch, outputs])
        }
        let result = makeTensor(shape: [batch, outputs])
        tensor_linear(engine, batch, inputs, outputs, x.host, weight.host, bias?.host, result.host)
        return result
    }

    package func linearBackward(_ x: Tensor, weight: Tensor, outputGradient: Tensor, needsBiasGradient: Bool)
        -> (input: Tensor, weight: Tensor, bias: Tensor?)
    {
        let (batch, inputs, outputs) = checkLinear(x, weight: weight)
        precondition(
            outputGradient.shape == [batch, outputs],
            "gradient \(outputGradient.shape) of an output \([batch, outputs])")
        let input = makeTensor(shape: x.shape)
        let weightGradient = makeTensor(shape: weight.shape)
        let bias = needsBiasGradient ? makeTensor(shape: [outputs]) : nil
        tensor_linear_backward(
            engine, batch, inputs, outputs, x.host, weight.host, outputGradient.host, input.host, weightGradient.host,
            bias?.host)
        return (input, weightGradient, bias)
    }
}
