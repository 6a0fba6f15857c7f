// Activations: identity, relu, relu6, sigmoid, elu, each with its derivative told from its own output; and those that are
// only inferred with.

import CTensorKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Activation {
    /// f(x).
    func value(_ x: Float) -> Float {
        switch self {
        case .identity: x
        case .relu: max(x, 0)
        case .relu6: min(max(x, 0), 6)
        case .sigmoid: 1 / (1 + expf(-x))
        case .elu: x > 0 ? x : expm1f(x)
        }
    }

    /// f′(x) from y = f(x). At a kink the flat side counts, as in PyTorch.
    func slope(output y: Float) -> Float {
        switch self {
        case .identity: 1
        case .relu: y > 0 ? 1 : 0
        case .relu6: y > 0 && y < 6 ? 1 : 0
        case .sigmoid: y * (1 - y)
        case .elu: y > 0 ? 1 : y + 1
        }
    }
}

extension InferenceFunction {
    /// f(x).
    func value(_ x: Float) -> Float {
        switch self {
        case .hardSigmoid(let alpha, let beta): max(0, min(1, alpha * x + beta))
        case .hardSwish: x * max(0, min(1, x / 6 + 0.5))
        case .silu: x / (1 + expf(-x))
        case .leakyRelu(let slope): x >= 0 ? x : slope * x
        }
    }
}

extension PlainBackend {
    package func apply(_ function: InferenceFunction, to x: Tensor) -> Tensor { map(x) { function.value($0) } }

    package func activate(_ x: Tensor, _ activation: Activation) -> Tensor { map(x) { activation.value($0) } }

    package func activateBackward(output: Tensor, _ activation: Activation, outputGradient: Tensor) -> Tensor {
        zip(output, outputGradient) { activation.slope(output: $0) * $1 }
    }

    package func clamp(_ x: Tensor, low: Float, high: Float) -> Tensor { map(x) { max(low, min(high, $0)) } }
}

extension FastBackend {
    package func apply(_ function: InferenceFunction, to x: Tensor) -> Tensor {
        let result = makeTensor(shape: x.shape)
        if arithmetic == .reproducible, let (kernel, p, q) = function.reproducibleKernel {
            tensor_reproducible_function(x.count, x.host, kernel, p, q, result.host)
            return result
        }
        let (kernel, p, q) = function.kernel
        tensor_apply(engine, x.count, x.host, kernel, p, q, result.host)
        return result
    }

    /// Sigmoid and ELU stand only behind small tensors (N C): their plain versions serve.
    package func activate(_ x: Tensor, _ activation: Activation) -> Tensor {
        if arithmetic == .reproducible, let kernel = activation.reproducibleKernel {
            let result = makeTensor(shape: x.shape)
            tensor_reproducible_function(x.count, x.host, kernel, 0, 0, result.host)
            return result
        }
        guard let kernel = activation.kernelIfAny else { return plain.activate(x, activation) }
        let result = makeTensor(shape: x.shape)
        tensor_activate(engine, x.count, x.host, kernel, result.host)
        return result
    }

    package func activateBackward(output: Tensor, _ activation: Activation, outputGradient: Tensor) -> Tensor {
        guard let kernel = activation.kernelIfAny else {
            return plain.activateBackward(output: output, activation, outputGradient: outputGradient)
        }
        checkSameShape(output, outputGradient)
        let result = makeTensor(shape: output.shape)
        tensor_activate_backward(engine, output.count, output.host, kernel, outputGradient.host, result.host)
        return result
    }

    package func clamp(_ x: Tensor, low: Float, high: Float) -> Tensor {
        let result = makeTensor(shape: x.shape)
        tensor_clamp(engine, x.count, x.host, low, high, result.host)
        return result
    }
}

extension InferenceFunction {
    var kernel: (function: tensor_function, p: Float, q: Float) {
        switch self {
        case .hardSigmoid(let alpha, let beta): (TENSOR_HARD_SIGMOID, alpha, beta)
        case .hardSwish: (TENSOR_HARD_SWISH, 0, 0)
        case .silu: (TENSOR_SILU, 0, 0)
        case .leakyRelu(let slope): (TENSOR_LEAKY_RELU, slope, 0)
        }
    }
}

extension InferenceFunction {
    /// nil: single operations, which are the same everywhere as they are.
    var reproducibleKernel: (function: tensor_reproducible, p: Float, q: Float)? {
        switch self {
        case .hardSigmoid(let alpha, let beta): (TENSOR_REPRODUCIBLE_HARD_SIGMOID, alpha, beta)
        case .silu: (TENSOR_REPRODUCIBLE_SILU, 0, 0)
        case .hardSwish, .leakyRelu: nil
        }
    }
}

/// e^x and e^x − 1 in additions and multiplications only, so that every processor and every libm gives the same bits.
package enum Exponential {
    package static func exp(_ x: Double) -> Double { tensor_exponential(x) }
    package static func expMinusOne(_ x: Double) -> Double { tensor_exponential_minus_1(x) }
}

extension Activation {
    /// As `InferenceFunction.reproducibleKernel`.
    var reproducibleKernel: tensor_reproducible? {
        switch self {
        case .sigmoid: TENSOR_REPRODUCIBLE_SIGMOID
        case .elu: TENSOR_REPRODUCIBLE_ELU
        case .identity, .relu, .relu6: nil
        }
    }

    var kernelIfAny: tensor_activation? {
        switch self {
        case .identity: TENSOR_IDENTITY
        case .relu: TENSOR_RELU
        case .relu6: TENSOR_RELU6
        case .sigmoid, .elu: nil
        }
    }

    /// Of those that `checkBatchNorm` lets through.
    var kernel: tensor_activation { kernelIfAny ?? TENSOR_IDENTITY }
}
