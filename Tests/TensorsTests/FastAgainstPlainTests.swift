// The fast backend against the plain one over many shapes: odd sizes, channels around the vector lengths, every
// padding, one to three
// threads, every instruction set of the machine. A failure prints all parameters and the seed.
//
// Tolerances: the plain backend sums in Double, so the difference is the fast one's rounding. A sum of K products of
// values in −1 … 1 in
// Float errs by at most K·2⁻²⁴ times its largest partial sum; in random order far less. 2·10⁻⁷·K covers it with a
// margin of some ten and
// is a thousandth of what a wrong or missing term would do.

import Tensors
import TestSupport
import Testing

/// Backends under test: each thread count, each instruction set that this machine has.
let fastBackends: [FastBackend] = VectorInstructions.allCases.filter(\.isAvailable).flatMap { set in
    [1, 2, 3].map { FastBackend(threads: $0, vectors: set) }
}

/// Compares one result on all fast backends with the plain one's.
func compare(
    _ what: String, absolute: Float, relative: Float = 1e-5, seed: UInt64,
    _ compute: (any Backend) -> [(name: String, tensor: Tensor)]
) {
    let expected = compute(PlainBackend()).map { ($0.name, $0.tensor.shape, $0.tensor.array()) }
    for backend in fastBackends {
        let actual = compute(backend)
        #expect(actual.count == expected.count)
        for (result, reference) in zip(actual, expected) {
            let place: Comment =
                "\(result.name) of \(what), \(backend.threads) threads, \(backend.vectors), seed \(seed)"
            #expect(result.tensor.shape == reference.1, place)
            let difference = mismatch(result.tensor.array(), reference.2, absolute: absolute, relative: relative)
            #expect(difference == nil, place)
        }
    }
}

@Suite("Fast backend equals plain backend")
struct FastAgainstPlainTests {
    static let channelCounts = [1, 2, 3, 7, 8, 15, 16, 17, 24, 31, 32, 33, 48, 63, 96, 100]

    @Test("convolution: dense, pointwise, depthwise and grouped, forward and backward", arguments: 0..<120)
    func convolution(trial: Int) {
        let seed = UInt64(trial) &* 7919 &+ 1
        var numbers = TestNumbers(seed: seed)
        let depthwise = trial % 3 == 0 && trial < 90
        let kernel = depthwise ? numbers.pick([3, 3, 3, 5, 1, 7]) : numbers.pick([1, 1, 3, 3, 5])
        let window = Window(
            kernelHeight: kernel, kernelWidth: trial % 11 == 0 ? max(1, kernel - 1) : kernel,
            strideHeight: trial % 7 == 0 ? numbers.integer(1...3) : trial % 2 + 1,
            strideWidth: trial % 7 == 0 ? numbers.integer(1...3) : trial % 2 + 1,
            padTop: numbers.integer(0...kernel / 2), padBottom: numbers.integer(0...kernel / 2),
            padLeft: numbers.integer(0...kernel / 2), padRight: numbers.integer(0...kernel / 2))
        let several = trial < 90 ? 1 : numbers.integer(2...4)
        let inputs = several * numbers.pick(Self.channelCounts)
        let outputs = depthwise ? inputs : several * numbers.pick(Self.channelCounts)
        let groups = depthwise ? inputs : several
        let shape = [numbers.integer(1...5), kernel + numbers.integer(0...9), kernel + numbers.integer(0...9), inputs]
        let x = HostArray(shape, &numbers)
        let weight = HostArray(
            [outputs, window.kernelHeight, window.kernelWidth, inputs / groups], &numbers)
        let bias = HostArray([outputs], &numbers)
        let dy = HostArray(
            [shape[0], window.outputHeight(shape[1]), window.outputWidth(shape[2]), outputs], &numbers)
        let (withBias, withInput) = (trial % 2 == 0, trial % 5 != 4)
        let terms = max(weight.values.count / outputs, outputs * kernel * kernel, dy.values.count / outputs)
        compare(
            "convolution x \(shape) weight \(weight.shape) \(window) groups \(groups) bias \(withBias)",
            absolute: 2e-7 * Float(terms), seed: seed
        ) { backend in
            let (input, kernelTensor) = (x.on(backend), weight.on(backend))
            let y = backend.convolution(
                input, weight: kernelTensor, bias: withBias ? bias.on(backend) : nil, window: window, groups: groups)
            let gradients = backend.convolutionBackward(
                input, weight: kernelTensor, outputGradient: dy.on(backend), window: window, groups: groups,
                needsInputGradient: withInput, needsBiasGradient: withBias)
            return [("y", y), ("dw", gradients.weight)] + (gradients.input.map { [("dx", $0)] } ?? [])
                + (gradients.bias.map { [("db", $0)] } ?? [])
        }
    }

    @Test("batch norm: training, backward, inference", arguments: 0..<60)
    func batchNorm(trial: Int) {
        let seed = UInt64(trial) &* 104_729 &+ 3
        var numbers = TestNumbers(seed: seed)
        let channels = numbers.pick(Self.channelCounts)
        let shape =
            trial % 4 == 0
            ? [numbers.integer(2...40), channels]
            : [numbers.integer(1...5), numbers.integer(2...9), numbers.integer(1...9), channels]
        let activation = [Activation.identity, .relu, .relu6][trial % 3]
        // A mean of up to 30 deviations: sums of squares without a pivot would lose three digits here.
        let centre = Float(trial % 5) * 15
        let x = HostArray(shape, &numbers, from: centre - 1, to: centre + 1)
        let dy = HostArray(shape, &numbers)
        let scale = HostArray([channels], &numbers, from: 0.5, to: 6)
        let shift = HostArray([channels], &numbers)
        let mean = HostArray([channels], &numbers)
        let variance = HostArray([channels], &numbers, from: 0.5, to: 2)
        let rows = x.values.count / channels
        compare(
            "batch norm x \(shape) around \(centre), \(activation)",
            // x − mean is rounded to 2⁻²⁴·|x|, then multiplied by scale/deviation (up to 12); the sums have `rows`
            // terms of size 12.
            absolute: 4e-6 * (1 + centre) + 2e-6 * Float(rows), seed: seed
        ) { backend in
            let (input, runningMean, runningVariance) = (x.on(backend), mean.on(backend), variance.on(backend))
            let (gamma, beta) = (scale.on(backend), shift.on(backend))
            let (y, statistics) = backend.batchNormTraining(
                input, scale: gamma, shift: beta, runningMean: runningMean, runningVariance: runningVariance,
                momentum: 0.1, epsilon: 1e-3, activation: activation)
            // Where the argument of the activation is within rounding of a kink, either side may be taken: gradients
            // there are set to zero.
            let kinks = y.array().map { abs($0) < 1e-3 * (1 + centre) || abs($0 - 6) < 1e-3 * (1 + centre) }
            let gradient = backend.makeTensor(
                shape: shape, values: zip(dy.values, kinks).map { activation != .identity && $1 ? 0 : $0 })
            let back = backend.batchNormTrainingBackward(
                input, output: y, scale: gamma, shift: beta, statistics: statistics, activation: activation,
                outputGradient: gradient)
            let answer = backend.batchNormInference(
                input, scale: gamma, shift: beta, runningMean: runningMean, runningVariance: runningVariance,
                epsilon: 1e-3, activation: activation)
            return [
                ("y", y), ("mean", statistics.mean), ("inverse deviation", statistics.inverseDeviation),
                ("running mean", runningMean), ("running variance", runningVariance), ("dx", back.input),
                ("dscale", back.scale), ("dshift", back.shift), ("inference", answer),
            ]
        }
    }

    /// The fast backend leaves a batch norm's input gradient to the convolution's backward that reads it, in pieces;
    /// larger images make several.
    @Test("a convolution's backward behind a batch norm's", arguments: 0..<40)
    func convolutionBehindBatchNorm(trial: Int) {
        let seed = UInt64(trial) &* 6_700_417 &+ 9
        var numbers = TestNumbers(seed: seed)
        let depthwise = trial % 2 == 0
        let kernel = depthwise ? 3 : [1, 1, 3][trial / 2 % 3]
        let window = Window(
            kernelHeight: kernel, kernelWidth: kernel, strideHeight: 1 + trial % 3 / 2, strideWidth: 1 + trial % 3 / 2,
            padTop: kernel / 2, padBottom: numbers.integer(0...kernel / 2), padLeft: numbers.integer(0...kernel / 2),
            padRight: kernel / 2)
        let inputs = numbers.pick(Self.channelCounts)
        let outputs = depthwise ? inputs : numbers.pick(Self.channelCounts)
        let side = trial % 4 == 3 ? 40 : 9
        let x = HostArray([numbers.integer(1...5), side + numbers.integer(0...3), side, inputs], &numbers)
        let weight = HostArray([outputs, kernel, kernel, depthwise ? 1 : inputs], &numbers)
        let shape = [x.shape[0], window.outputHeight(x.shape[1]), window.outputWidth(x.shape[2]), outputs]
        let raw = HostArray(shape, &numbers)
        let dy = HostArray(shape, &numbers)
        let scale = HostArray([outputs], &numbers, from: 0.5, to: 2)
        let shift = HostArray([outputs], &numbers)
        let withBias = trial % 5 == 0
        let rows = dy.values.count / outputs
        compare(
            "convolution x \(x.shape) weight \(weight.shape) \(window), bias \(withBias), behind batch norm",
            // dx of the batch norm is of size 4 and carries the rounding of sums over `rows`.
            absolute: 2e-6 * Float(max(rows, kernel * kernel * outputs)), seed: seed
        ) { backend in
            let groups = depthwise ? inputs : 1
            let (normInput, gamma, beta) = (raw.on(backend), scale.on(backend), shift.on(backend))
            let (y, statistics) = backend.batchNormTraining(
                normInput, scale: gamma, shift: beta, runningMean: backend.makeTensor(shape: [outputs], repeating: 0),
                runningVariance: backend.makeTensor(shape: [outputs], repeating: 1), momentum: 0.1, epsilon: 1e-3,
                activation: .identity)
            let norm = backend.batchNormTrainingBackward(
                normInput, output: y, scale: gamma, shift: beta, statistics: statistics, activation: .identity,
                outputGradient: dy.on(backend))
            let back = backend.convolutionBackward(
                x.on(backend), weight: weight.on(backend), outputGradient: norm.input, window: window, groups: groups,
                needsInputGradient: trial % 7 != 6, needsBiasGradient: withBias)
            return [("dw", back.weight)] + (back.input.map { [("dx", $0)] } ?? [])
                + (back.bias.map { [("db", $0)] } ?? []) + [("dx of the norm, read later", norm.input)]
        }
    }

    @Test("linear", arguments: 0..<30)
    func linear(trial: Int) {
        let seed = UInt64(trial) &* 15_485_863 &+ 5
        var numbers = TestNumbers(seed: seed)
        let (batch, inputs, outputs) = (numbers.integer(1...9), numbers.integer(1...200), numbers.integer(1...100))
        let x = HostArray([batch, inputs], &numbers)
        let weight = HostArray([outputs, inputs], &numbers)
        let bias = HostArray([outputs], &numbers)
        let dy = HostArray([batch, outputs], &numbers)
        compare(
            "linear x \(x.shape) weight \(weight.shape)", absolute: 2e-7 * Float(max(inputs, outputs)), seed: seed
        ) { backend in
            let (input, kernel) = (x.on(backend), weight.on(backend))
            let back = backend.linearBackward(
                input, weight: kernel, outputGradient: dy.on(backend), needsBiasGradient: trial % 2 == 0)
            return [
                ("y", backend.linear(input, weight: kernel, bias: trial % 2 == 0 ? bias.on(backend) : nil)),
                ("dx", back.input), ("dw", back.weight),
            ] + (back.bias.map { [("db", $0)] } ?? [])
        }
    }

    /// Single roundings, so equal but for the order in which a product and a sum are fused.
    @Test("elementwise and SGD", arguments: [1, 5, 1000, 40_000, 100_003])
    func elementwise(count: Int) {
        let seed = UInt64(count)
        var numbers = TestNumbers(seed: seed)
        let a = HostArray([count], &numbers, from: -8, to: 8)
        let b = HostArray([count], &numbers)
        compare("\(count) values", absolute: 1e-6, relative: 1e-6, seed: seed) { backend in
            let (left, right) = (a.on(backend), b.on(backend))
            let sum = a.on(backend)
            backend.accumulate(right, into: sum)
            let (parameter, velocity) = (b.on(backend), a.on(backend))
            backend.stepSGD(
                parameter: parameter, gradient: left, velocity: velocity, learningRate: 0.1, momentum: 0.9,
                weightDecay: 5e-4)
            backend.stepSGD(
                parameter: parameter, gradient: nil, velocity: velocity, learningRate: 0.1, momentum: 0.9,
                weightDecay: 5e-4)
            var results = [
                ("sum", backend.add(left, right)), ("product", backend.multiply(left, right)),
                ("multiple", backend.scale(left, by: -1.5)), ("accumulated", sum),
                ("clamped", backend.clamp(left, low: -2, high: 3)), ("stepped", parameter), ("velocity", velocity),
                ("mask", backend.dropoutMask(shape: [count], rate: 0.5, seed: 42)),
            ]
            for activation in [Activation.identity, .relu, .relu6, .sigmoid, .elu] {
                let y = backend.activate(left, activation)
                results.append(("\(activation)", y))
                results.append(
                    (
                        "gradient of \(activation)",
                        backend.activateBackward(output: y, activation, outputGradient: right)
                    ))
            }
            return results
        }
    }

    @Test("functions that are only inferred with, and a factor a channel", arguments: 0..<20)
    func inference(trial: Int) {
        let seed = UInt64(trial) &* 15_485_863 &+ 5
        var numbers = TestNumbers(seed: seed)
        let shape = [numbers.integer(1...5), numbers.integer(1...40), 9, numbers.pick(Self.channelCounts)]
        let x = HostArray(shape, &numbers, from: -12, to: 12)
        let factors = HostArray([shape[0], shape[3]], &numbers)
        // A few units in the last place of values up to 12.
        compare("functions of \(shape)", absolute: 4e-6, seed: seed) { backend in
            let input = x.on(backend)
            return [
                ("hard sigmoid", backend.apply(.hardSigmoid(alpha: 0.3, beta: 0.4), to: input)),
                ("hard swish", backend.apply(.hardSwish, to: input)), ("silu", backend.apply(.silu, to: input)),
                ("leaky ReLU", backend.apply(.leakyRelu(slope: 0.3), to: input)),
                ("factors", backend.scaleChannels(input, by: factors.on(backend))),
            ]
        }
    }

    @Test("pooling and joining", arguments: 0..<30)
    func pooling(trial: Int) {
        let seed = UInt64(trial) &* 32_452_843 &+ 7
        var numbers = TestNumbers(seed: seed)
        let shape = [
            numbers.integer(1...5), numbers.integer(1...9), numbers.integer(1...9), numbers.pick(Self.channelCounts),
        ]
        // Few distinct values: maxima tie, and the first must win.
        let x = HostArray(
            shape: shape, values: (0..<shape.reduce(1, *)).map { _ in Float(numbers.integer(-2...2)) })
        let dy = HostArray([shape[0], shape[3]], &numbers)
        compare("pooling x \(shape)", absolute: 2e-6, seed: seed) { backend in
            let input = x.on(backend)
            let largest = backend.globalMaxPool(input)
            let average = backend.globalAveragePool(input)
            return [
                ("maximum", largest), ("average", average),
                (
                    "gradient of maximum",
                    backend.globalMaxPoolBackward(input, output: largest, outputGradient: dy.on(backend))
                ),
                (
                    "gradient of average",
                    backend.globalAveragePoolBackward(inputShape: shape, outputGradient: dy.on(backend))
                ),
            ]
        }
    }

    @Test("results repeat bit for bit, and other threads may use the backend at the same time")
    func repeats() async {
        let backend = FastBackend(threads: 2)
        var numbers = TestNumbers(seed: 11)
        let x = HostArray([5, 9, 9, 24], &numbers)
        let weight = HostArray([40, 3, 3, 24], &numbers)
        let dy = HostArray([5, 9, 9, 40], &numbers)
        @Sendable func gradient() -> [Float] {
            backend.convolutionBackward(
                x.on(backend), weight: weight.on(backend), outputGradient: dy.on(backend),
                window: Window(kernel: 3, pad: 1), groups: 1, needsInputGradient: true, needsBiasGradient: false
            ).weight.array()
        }
        let first = gradient()
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 { group.addTask { gradient() == first } }
            for await same in group { #expect(same) }
        }
    }
}
