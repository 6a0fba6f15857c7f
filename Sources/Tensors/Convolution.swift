// Convolution: y[n, p, q, o] = bias[o] + Σ x[n, p·stride + r − padTop, q·stride + s − padLeft, i] · w[o, r, s, i], with
// zeros outside the image. With groups, the channels o of a group read its own I/groups channels i only; depthwise
// (groups = I = O): i = o. x: N H W I; weight: O KH KW I/groups; y: N H' W' O.

import CTensorKernels

extension PlainBackend {
    package func convolution(_ x: Tensor, weight: Tensor, bias: Tensor?, window: Window, groups: Int) -> Tensor {
        let shape = ConvolutionShape(x, weight: weight, window: window, groups: groups)
        checkBias(bias, channels: shape.outputChannels)
        let result = makeTensor(shape: shape.output)
        let (input, kernel, offsets, output) = (x.host, weight.host, bias?.host, result.host)
        shape.forEachOutput { position, o, taps in
            var sum = Double(offsets?[o] ?? 0)
            taps { inputIndex, weightIndex in sum += Double(input[inputIndex]) * Double(kernel[weightIndex]) }
            output[position] = Float(sum)
        }
        return result
    }

    package func convolutionBackward(
        _ x: Tensor, weight: Tensor, outputGradient: Tensor, window: Window, groups: Int, needsInputGradient: Bool,
        needsBiasGradient: Bool
    ) -> (input: Tensor?, weight: Tensor, bias: Tensor?) {
        let shape = ConvolutionShape(x, weight: weight, window: window, groups: groups)
        precondition(
            outputGradient.shape == shape.output, "gradient \(outputGradient.shape) of an output \(shape.output)")
        let (input, kernel, gradient) = (x.host, weight.host, outputGradient.host)
        var inputSums = [Double](repeating: 0, count: needsInputGradient ? x.count : 0)
        var weightSums = [Double](repeating: 0, count: weight.count)
        var biasSums = [Double](repeating: 0, count: shape.outputChannels)
        shape.forEachOutput { position, o, taps in
            let g = Double(gradient[position])
            biasSums[o] += g
            taps { inputIndex, weightIndex in
                weightSums[weightIndex] += g * Double(input[inputIndex])
                if needsInputGradient { inputSums[inputIndex] += g * Double(kernel[weightIndex]) }
            }
        }
        return (
            needsInputGradient ? makeTensor(shape: x.shape, values: inputSums.map(Float.init)) : nil,
            makeTensor(shape: weight.shape, values: weightSums.map(Float.init)),
            needsBiasGradient ? makeTensor(shape: [shape.outputChannels], values: biasSums.map(Float.init)) : nil
        )
    }
}

func checkBias(_ bias: Tensor?, channels: Int) {
    precondition(bias == nil || bias?.shape == [channels], "bias \(bias?.shape ?? []) for \(channels) channels")
}

extension ConvolutionShape {
    /// Visits each output value: its index, its channel, and the pairs of input and weight that it sums over.
    @inline(__always)
    func forEachOutput(
        _ visit: (_ position: Int, _ channel: Int, _ taps: ((_ input: Int, _ weight: Int) -> Void) -> Void) -> Void
    ) {
        let channelsPerGroup = inputChannels / groups
        let outputsPerGroup = outputChannels / groups
        var position = 0
        for n in 0..<batch {
            for p in 0..<outputHeight {
                let rows = Self.taps(
                    output: p, kernel: window.kernelHeight, stride: window.strideHeight, pad: window.padTop,
                    input: height)
                for q in 0..<outputWidth {
                    let columns = Self.taps(
                        output: q, kernel: window.kernelWidth, stride: window.strideWidth, pad: window.padLeft,
                        input: width)
                    for o in 0..<outputChannels {
                        visit(position, o) { pair in
                            for r in rows {
                                let y = p * window.strideHeight - window.padTop + r
                                for s in columns {
                                    let x = q * window.strideWidth - window.padLeft + s
                                    let pixel = ((n * height + y) * width + x) * inputChannels + o / outputsPerGroup * channelsPerGroup
                                    let tap =
                                        ((o * window.kernelHeight + r) * window.kernelWidth + s) * channelsPerGroup
                                    for i in 0..<channelsPerGroup { pair(pixel + i, tap + i) }
                                }
                            }
                        }
                        position += 1
                    }
                }
            }
        }
    }
}

extension FastBackend {
    package func convolution(_ x: Tensor, weight: Tensor, bias: Tensor?, window: Window, groups: Int) -> Tensor {
        let shape = ConvolutionShape(x, weight: weight, window: window, groups: groups)
        checkBias(bias, channels: shape.outputChannels)
        var sizes = shape.kernelSizes
        let result = makeTensor(shape: shape.output)
        if arithmetic == .reproducible {
            tensor_reproducible_convolution(engine, &sizes, x.host, weight.host, bias?.host, result.host)
            return result
        }
        if shape.isDepthwise && shape.hasVectorKernel {
            tensor_depthwise(engine, &sizes, x.host, weight.host, bias?.host, result.host)
            return result
        }
        if tensor_convolution(engine, &sizes, x.host, weight.host, bias?.host, result.host) {
            return result
        }
        return plain.convolution(x, weight: weight, bias: bias, window: window, groups: groups)
    }

    package func convolutionBackward(
        _ x: Tensor, weight: Tensor, outputGradient: Tensor, window: Window, groups: Int, needsInputGradient: Bool,
        needsBiasGradient: Bool
    ) -> (input: Tensor?, weight: Tensor, bias: Tensor?) {
        let shape = ConvolutionShape(x, weight: weight, window: window, groups: groups)
        precondition(
            outputGradient.shape == shape.output, "gradient \(outputGradient.shape) of an output \(shape.output)")
        var sizes = shape.kernelSizes
        let input = needsInputGradient ? makeTensor(shape: x.shape) : nil
        let weightGradient = makeTensor(shape: weight.shape)
        let bias = needsBiasGradient ? makeTensor(shape: [shape.outputChannels]) : nil
        // A batch norm's gradient that nobody has needed yet is computed inside, piece by piece.
        let pending = (outputGradient.storage as? PendingGradient)?.kernelArguments
        let dy = pending == nil ? outputGradient.host : nil
        var gradient = pending ?? tensor_pending_gradient()
        if shape.isDepthwise && shape.hasVectorKernel {
            tensor_depthwise_backward(
                engine, &sizes, x.host, weight.host, dy, &gradient, input?.host, weightGradient.host, bias?.host)
            return (input, weightGradient, bias)
        }
        if groups == 1
            && tensor_convolution_backward(
                engine, &sizes, x.host, weight.host, dy, &gradient, input?.host, weightGradient.host, bias?.host)
        {
            return (input, weightGradient, bias)
        }
        return plain.convolutionBackward(
            x, weight: weight, outputGradient: outputGradient, window: window, groups: groups,
            needsInputGradient: needsInputGradient, needsBiasGradient: needsBiasGradient)
    }
}

extension ConvolutionShape {
    var hasVectorKernel: Bool { window.kernelHeight <= 7 && window.kernelWidth <= 7 }

    var kernelSizes: tensor_conv_shape {
        tensor_conv_shape(
            batch: batch, height: height, width: width, input_channels: inputChannels, output_channels: outputChannels,
            output_height: outputHeight, output_width: outputWidth, kernel_height: window.kernelHeight,
            kernel_width: window.kernelWidth, stride_height: window.strideHeight, stride_width: window.strideWidth,
            pad_top: window.padTop, pad_bottom: window.padBottom, pad_left: window.padLeft, pad_right: window.padRight,
            groups: groups)
    }
}
