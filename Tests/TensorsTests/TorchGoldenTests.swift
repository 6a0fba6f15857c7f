// Both backends against PyTorch (tools/goldens/tensors.py, float64): what an operation means, its gradients, batch
// norm's averages, SGD.
//
// Tolerance 1e-5 absolute and relative: the goldens are rounded to Float once, our sums have at most a few hundred
// terms of size 1, whose
// Float rounding stays below 2⁻²⁴·√300·10 ≈ 1e-5. Batch norm's cases state their own.

import ModelGraph
import Tensors
import TestSupport
import Testing

struct Goldens {
    let entries: [String: Safetensors.Entry]

    init() throws { entries = try Golden.load("operations") }

    func entry(_ name: String) throws -> Safetensors.Entry { try #require(entries[name], "no golden \(name)") }
    func tensor(_ name: String, _ backend: any Backend) throws -> Tensor {
        let entry = try entry(name)
        return backend.makeTensor(shape: entry.shape, values: entry.values)
    }
    func values(_ name: String) throws -> [Float] { try entry(name).values }
    func has(_ name: String) -> Bool { entries[name] != nil }

    func check(
        _ actual: Tensor?, _ name: String, _ backend: any Backend, absolute: Float = 1e-5, relative: Float = 1e-5,
        location: SourceLocation = #_sourceLocation
    ) throws {
        let expected = try entry(name)
        let result = try #require(actual, sourceLocation: location)
        #expect(result.shape == expected.shape, "\(name), \(type(of: backend))", sourceLocation: location)
        let difference = mismatch(result.array(), expected.values, absolute: absolute, relative: relative)
        #expect(difference == nil, "\(name), \(type(of: backend))", sourceLocation: location)
    }
}

@Suite("Operations equal PyTorch's")
struct TorchGoldenTests {
    let goldens: Goldens
    let backends: [any Backend] = [PlainBackend()] + fastBackends

    init() throws { goldens = try Goldens() }

    @Test(
        "convolution",
        arguments: [
            "dense", "dense_stride2_same", "dense_four_pads", "dense_2x3", "pointwise", "pointwise_stride2",
            "depthwise",
            "depthwise_stride2_same", "depthwise_stride2", "depthwise_5x5", "grouped", "grouped_stride2",
            "grouped_pointwise", "channel_multiplier",
        ])
    func convolution(name: String) throws {
        let name = "convolution." + name
        let g = try goldens.values(name + ".geometry").map { Int($0) }
        let window = Window(
            kernelHeight: g[0], kernelWidth: g[1], strideHeight: g[2], strideWidth: g[3], padTop: g[4], padBottom: g[5],
            padLeft: g[6], padRight: g[7])
        for backend in backends {
            let (x, weight) = (try goldens.tensor(name + ".x", backend), try goldens.tensor(name + ".weight", backend))
            let hasBias = goldens.has(name + ".bias")
            let bias = hasBias ? try goldens.tensor(name + ".bias", backend) : nil
            try goldens.check(
                backend.convolution(x, weight: weight, bias: bias, window: window, groups: g[8]), name + ".y", backend)
            let back = backend.convolutionBackward(
                x, weight: weight, outputGradient: try goldens.tensor(name + ".dy", backend), window: window,
                groups: g[8],
                needsInputGradient: true, needsBiasGradient: hasBias)
            try goldens.check(back.input, name + ".dx", backend)
            try goldens.check(back.weight, name + ".dweight", backend)
            if hasBias { try goldens.check(back.bias, name + ".dbias", backend) }
        }
    }

    @Test(
        "batch norm",
        arguments: zip(["identity", "relu", "relu6", "features"], [Activation.identity, .relu, .relu6, .identity]))
    func batchNorm(name: String, activation: Activation) throws {
        let name = "batchnorm." + name
        for backend in backends {
            func tensor(_ field: String) throws -> Tensor { try goldens.tensor("\(name).\(field)", backend) }
            // scale/deviation is up to 7 and |x| up to 6, each rounded at 2⁻²⁴: 1e-5 more than elsewhere.
            func check(_ actual: Tensor, _ field: String) throws {
                try goldens.check(actual, "\(name).\(field)", backend, absolute: 2e-5, relative: 2e-5)
            }
            let (x, scale, shift) = (try tensor("x"), try tensor("scale"), try tensor("shift"))
            let (mean, variance) = (try tensor("mean_before"), try tensor("variance_before"))
            let (y, statistics) = backend.batchNormTraining(
                x, scale: scale, shift: shift, runningMean: mean, runningVariance: variance, momentum: 0.1,
                epsilon: 1e-3,
                activation: activation)
            try check(y, "y")
            try check(mean, "mean_after")
            try check(variance, "variance_after")
            let back = backend.batchNormTrainingBackward(
                x, output: y, scale: scale, shift: shift, statistics: statistics, activation: activation,
                outputGradient: try tensor("dy"))
            try check(back.input, "dx")
            try check(back.scale, "dscale")
            try check(back.shift, "dshift")
            let answer = backend.batchNormInference(
                x, scale: scale, shift: shift, runningMean: mean, runningVariance: variance, epsilon: 1e-3,
                activation: activation)
            try check(answer, "inference")
        }
    }

    @Test("linear")
    func linear() throws {
        for backend in backends {
            let (x, weight) = (try goldens.tensor("linear.x", backend), try goldens.tensor("linear.weight", backend))
            let y = backend.linear(x, weight: weight, bias: try goldens.tensor("linear.bias", backend))
            try goldens.check(y, "linear.y", backend)
            let back = backend.linearBackward(
                x, weight: weight, outputGradient: try goldens.tensor("linear.dy", backend), needsBiasGradient: true)
            try goldens.check(back.input, "linear.dx", backend)
            try goldens.check(back.weight, "linear.dweight", backend)
            try goldens.check(back.bias, "linear.dbias", backend)
        }
    }

    @Test(
        "activations, at their kinks too",
        arguments: zip(["relu", "relu6", "sigmoid", "elu"], [Activation.relu, .relu6, .sigmoid, .elu]))
    func activations(name: String, activation: Activation) throws {
        let name = "activation." + name
        for backend in backends {
            let y = backend.activate(try goldens.tensor(name + ".x", backend), activation)
            try goldens.check(y, name + ".y", backend, absolute: 1e-6, relative: 1e-6)
            let back = backend.activateBackward(
                output: y, activation, outputGradient: try goldens.tensor(name + ".dy", backend))
            try goldens.check(back, name + ".dx", backend, absolute: 1e-6, relative: 1e-6)
        }
    }

    @Test("pooling")
    func pooling() throws {
        for backend in backends {
            func pair(_ name: String) throws -> (x: Tensor, dy: Tensor) {
                (try goldens.tensor("pool.\(name).x", backend), try goldens.tensor("pool.\(name).dy", backend))
            }
            func check(_ name: String, _ y: Tensor, _ dx: Tensor) throws {
                try goldens.check(y, "pool.\(name).y", backend)
                try goldens.check(dx, "pool.\(name).dx", backend)
            }
            let average = try pair("global_average")
            try check(
                "global_average", backend.globalAveragePool(average.x),
                backend.globalAveragePoolBackward(inputShape: average.x.shape, outputGradient: average.dy))
            let largest = try pair("global_max")
            let y = backend.globalMaxPool(largest.x)
            try check(
                "global_max", y, backend.globalMaxPoolBackward(largest.x, output: y, outputGradient: largest.dy))
            for (name, window) in [
                ("max_3x3_stride2", Window(kernel: 3, stride: 2, pad: 1)), ("max_2x2", Window(kernel: 2, stride: 2)),
            ] {
                let (x, dy) = try pair(name)
                let y = backend.maxPool(x, window: window)
                try check(name, y, backend.maxPoolBackward(x, output: y, window: window, outputGradient: dy))
            }
        }
    }

    @Test(
        "functions that are only inferred with",
        arguments: zip(
            ["hard_sigmoid", "hard_swish", "silu", "leaky_relu"],
            [
                InferenceFunction.hardSigmoid(alpha: 0.2, beta: 0.5), .hardSwish, .silu, .leakyRelu(slope: 0.1),
            ]))
    func functions(name: String, function: InferenceFunction) throws {
        for backend in backends {
            let x = try goldens.tensor("function.\(name).x", backend)
            try goldens.check(backend.apply(function, to: x), "function.\(name).y", backend)
        }
    }

    @Test("average pooling over windows, and a factor a channel")
    func averagesAndFactors() throws {
        for backend in backends {
            for (name, window, countsPadding) in [
                ("average_3x3_stride2", Window(kernel: 3, stride: 2, pad: 1), true),
                ("average_3x3_stride2_inside", Window(kernel: 3, stride: 2, pad: 1), false),
                ("average_2x2", Window(kernel: 2, stride: 2), true),
            ] {
                let x = try goldens.tensor("pool.\(name).x", backend)
                let y = backend.averagePool(x, window: window, countsPadding: countsPadding)
                try goldens.check(y, "pool.\(name).y", backend)
            }
            let factors = try goldens.tensor("scale_channels.factors", backend)
            let y = backend.scaleChannels(try goldens.tensor("scale_channels.x", backend), by: factors)
            try goldens.check(y, "scale_channels.y", backend)
        }
    }

    @Test("softmax cross-entropy with label smoothing", arguments: ["plain", "smoothed"])
    func loss(name: String) throws {
        let name = "loss." + name
        for backend in backends {
            let (loss, gradient) = backend.softmaxCrossEntropy(
                try goldens.tensor(name + ".logits", backend),
                labels: try goldens.values(name + ".labels").map { Int($0) },
                smoothing: try goldens.values(name + ".smoothing")[0])
            let expected = try goldens.values(name + ".loss")[0]
            #expect(abs(loss - expected) <= 1e-6 * abs(expected))
            try goldens.check(gradient, name + ".dlogits", backend, absolute: 1e-7)
        }
    }

    @Test("three steps of SGD with momentum and weight decay")
    func sgd() throws {
        for backend in backends {
            let parameter = try goldens.tensor("sgd.start", backend)
            let velocity = backend.makeTensor(shape: parameter.shape, repeating: 0)
            for step in 0..<3 {
                // The third gradient is zeros; none at all means the same.
                let gradient = step < 2 ? try goldens.tensor("sgd.gradient\(step)", backend) : nil
                backend.stepSGD(
                    parameter: parameter, gradient: gradient, velocity: velocity, learningRate: 0.05, momentum: 0.9,
                    weightDecay: 5e-3)
                try goldens.check(parameter, "sgd.after\(step)", backend, absolute: 1e-6, relative: 1e-6)
            }
        }
    }
}
