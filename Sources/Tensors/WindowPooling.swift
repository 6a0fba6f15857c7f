// Pooling over windows: the maximum, and the average. Padding never wins; a window that lies wholly in the padding is a
// caller's mistake. The maximum's backward: a window's gradient goes to the first pixel, in row-major order, that holds
// it. The average is for inference only.

extension PlainBackend {
    package func maxPool(_ x: Tensor, window: Window) -> Tensor {
        let shape = PoolingShape(x.shape, window: window)
        let result = makeTensor(shape: shape.output)
        let (input, pooled) = (x.host, result.host)
        shape.forEachOutput { position, pixels in
            var largest = -Float.infinity
            pixels { largest = max(largest, input[$0]) }
            pooled[position] = largest
        }
        return result
    }

    package func averagePool(_ x: Tensor, window: Window, countsPadding: Bool) -> Tensor {
        let shape = PoolingShape(x.shape, window: window)
        let result = makeTensor(shape: shape.output)
        let (input, pooled) = (x.host, result.host)
        let size = window.kernelHeight * window.kernelWidth
        shape.forEachOutput { position, pixels in
            var sum = 0.0
            var inside = 0
            pixels {
                sum += Double(input[$0])
                inside += 1
            }
            pooled[position] = Float(sum / Double(countsPadding ? size : inside))
        }
        return result
    }

    package func maxPoolBackward(_ x: Tensor, output: Tensor, window: Window, outputGradient: Tensor) -> Tensor {
        let shape = PoolingShape(x.shape, window: window)
        precondition(
            output.shape == shape.output && outputGradient.shape == shape.output,
            "output \(output.shape), gradient \(outputGradient.shape), not \(shape.output)")
        let result = makeTensor(shape: x.shape, repeating: 0)
        let (input, pooled, dy, dx) = (x.host, output.host, outputGradient.host, result.host)
        shape.forEachOutput { position, pixels in
            var found = false
            pixels { index in
                if !found && input[index] == pooled[position] {
                    dx[index] += dy[position]
                    found = true
                }
            }
        }
        return result
    }
}

/// The sizes of a pooling, checked once.
struct PoolingShape {
    var input: [Int]
    var output: [Int]
    var window: Window

    init(_ shape: [Int], window: Window) {
        _ = checkImages(shape)
        precondition(
            window.strideHeight > 0 && window.strideWidth > 0
                && window.kernelHeight > max(window.padTop, window.padBottom)
                && window.kernelWidth > max(window.padLeft, window.padRight)
                && min(window.padTop, window.padBottom, window.padLeft, window.padRight) >= 0
                && shape[1] + window.padTop + window.padBottom >= window.kernelHeight
                && shape[2] + window.padLeft + window.padRight >= window.kernelWidth,
            "pooling of \(shape) by \(window)")
        input = shape
        self.window = window
        output = [shape[0], window.outputHeight(shape[1]), window.outputWidth(shape[2]), shape[3]]
    }

    /// Visits each output value: its index, and the indices of the inputs in its window, in row-major order.
    @inline(__always)
    func forEachOutput(_ visit: (_ position: Int, _ pixels: ((_ input: Int) -> Void) -> Void) -> Void) {
        var position = 0
        for n in 0..<output[0] {
            for p in 0..<output[1] {
                let rows = ConvolutionShape.taps(
                    output: p, kernel: window.kernelHeight, stride: window.strideHeight, pad: window.padTop,
                    input: input[1])
                for q in 0..<output[2] {
                    let columns = ConvolutionShape.taps(
                        output: q, kernel: window.kernelWidth, stride: window.strideWidth, pad: window.padLeft,
                        input: input[2])
                    for c in 0..<output[3] {
                        visit(position) { pixel in
                            for r in rows {
                                let y = p * window.strideHeight - window.padTop + r
                                for s in columns {
                                    let x = q * window.strideWidth - window.padLeft + s
                                    pixel(((n * input[1] + y) * input[2] + x) * input[3] + c)
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
