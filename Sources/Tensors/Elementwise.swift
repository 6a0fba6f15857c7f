// Elementwise: sum, product, product with a number or with one factor a channel, and adding in place. Shapes are equal;
// nothing else is broadcast.

import CTensorKernels

extension PlainBackend {
    package func add(_ a: Tensor, _ b: Tensor) -> Tensor { zip(a, b) { $0 + $1 } }

    package func multiply(_ a: Tensor, _ b: Tensor) -> Tensor { zip(a, b) { $0 * $1 } }

    package func scaleChannels(_ x: Tensor, by factors: Tensor) -> Tensor {
        checkChannelFactors(x, factors)
        let result = makeTensor(shape: x.shape)
        let (input, factor, output) = (x.host, factors.host, result.host)
        let (pixels, channels) = (x.shape[1] * x.shape[2], x.shape[3])
        for image in 0..<x.shape[0] {
            for pixel in image * pixels..<(image + 1) * pixels {
                for c in 0..<channels {
                    output[pixel * channels + c] = input[pixel * channels + c] * factor[image * channels + c]
                }
            }
        }
        return result
    }

    package func scale(_ x: Tensor, by factor: Float) -> Tensor { map(x) { $0 * factor } }

    package func accumulate(_ x: Tensor, into target: Tensor) {
        checkSameShape(x, target)
        let (input, sum) = (x.host, target.host)
        for index in 0..<x.count { sum[index] += input[index] }
    }

    @inline(__always)
    func map(_ x: Tensor, _ transform: (Float) -> Float) -> Tensor {
        let result = makeTensor(shape: x.shape)
        let (input, output) = (x.host, result.host)
        for index in 0..<x.count { output[index] = transform(input[index]) }
        return result
    }

    @inline(__always)
    func zip(_ a: Tensor, _ b: Tensor, _ combine: (Float, Float) -> Float) -> Tensor {
        checkSameShape(a, b)
        let result = makeTensor(shape: a.shape)
        let (left, right, output) = (a.host, b.host, result.host)
        for index in 0..<a.count { output[index] = combine(left[index], right[index]) }
        return result
    }
}

func checkSameShape(_ a: Tensor, _ b: Tensor) { precondition(a.shape == b.shape, "shapes \(a.shape) and \(b.shape)") }

func checkChannelFactors(_ x: Tensor, _ factors: Tensor) {
    precondition(
        x.shape.count == 4 && factors.shape == [x.shape[0], x.shape[3]],
        "images \(x.shape) by factors \(factors.shape), not N H W C by N C")
}

extension FastBackend {
    package func add(_ a: Tensor, _ b: Tensor) -> Tensor {
        checkSameShape(a, b)
        let result = makeTensor(shape: a.shape)
        tensor_add(engine, a.count, a.host, b.host, result.host)
        return result
    }

    package func multiply(_ a: Tensor, _ b: Tensor) -> Tensor {
        checkSameShape(a, b)
        let result = makeTensor(shape: a.shape)
        tensor_multiply(engine, a.count, a.host, b.host, result.host)
        return result
    }

    package func scaleChannels(_ x: Tensor, by factors: Tensor) -> Tensor {
        checkChannelFactors(x, factors)
        let result = makeTensor(shape: x.shape)
        tensor_scale_channels(
            engine, x.shape[0], x.shape[1] * x.shape[2], x.shape[3], x.host, factors.host, result.host)
        return result
    }

    package func scale(_ x: Tensor, by factor: Float) -> Tensor {
        let result = makeTensor(shape: x.shape)
        tensor_scale(engine, x.count, x.host, factor, result.host)
        return result
    }

    package func accumulate(_ x: Tensor, into target: Tensor) {
        checkSameShape(x, target)
        tensor_add(engine, x.count, target.host, x.host, target.host)
    }
}
