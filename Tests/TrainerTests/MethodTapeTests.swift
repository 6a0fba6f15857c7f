// The tape: gradients through whole networks against finite differences, sharing, several heads, and what it frees.

import Tensors
import TestSupport
import Testing
import Trainer

@Suite struct MethodTapeTests {
    let backend = PlainBackend()

    func parameter(_ name: String, _ shape: [Int], group: Parameter.Group = .head) -> Parameter {
        let values = Formula.uniforms(Formula.hash(name), shape.reduce(1, *)).map { Float(2 * $0 - 1) }
        return Parameter(name: name, group: group, value: backend.makeTensor(shape: shape, values: values))
    }

    /// A function of parameters to be differentiated: every op of ForwardContext, residual and gate included.
    struct TinyNetwork {
        let filter, pointwise, depthwise, mix, bias: Parameter
        let norm: BatchNorm

        func output<Context: ForwardContext>(_ x: Context.Value, in context: Context) -> Context.Value {
            let window = Window(kernel: 3, stride: 1, pad: 1)
            let first = context.convolution(x, weight: filter, bias: nil, window: window, groups: 1)
            let normed = context.batchNorm(first, norm, activation: .relu6)
            let inner = context.convolution(normed, weight: depthwise, bias: nil, window: window, groups: 4)
            let block = context.add(
                normed, context.convolution(inner, weight: pointwise, bias: nil, window: Window(kernel: 1), groups: 1))
            let pooled = context.maxPool(block, window: Window(kernel: 2, stride: 2))
            let joined = context.concat([context.globalAveragePool(pooled), context.globalMaxPool(block)])
            // The same weight twice: its gradient is a sum.
            let hidden = context.activate(context.linear(joined, weight: mix, bias: bias), .elu)
            let again = context.linear(context.dropout(hidden, rate: 0.5), weight: mix, bias: nil)
            return context.add(hidden, context.multiply(context.activate(again, .sigmoid), hidden))
        }
    }

    func makeNetwork() -> TinyNetwork {
        TinyNetwork(
            filter: parameter("filter", [4, 3, 3, 2]), pointwise: parameter("pointwise", [4, 1, 1, 4]),
            depthwise: parameter("depthwise", [4, 3, 3, 1]), mix: parameter("mix", [8, 8]),
            bias: parameter("bias", [8]),
            norm: BatchNorm(
                scale: parameter("scale", [4]), shift: parameter("shift", [4]),
                runningMean: parameter("mean", [4], group: .buffer),
                runningVariance: parameter("variance", [4], group: .buffer), epsilon: 0.1, momentum: 0.1))
    }

    /// Central differences of a weighted sum of the outputs. Float32 with steps of 2⁻⁷ leaves about 1e-3 of values near
    /// 1; a value within the step of a kink (ReLU6, a pool's maximum) would be off by more, so five per cent of the
    /// values may be.
    @Test func gradientsAgreeWithFiniteDifferences() {
        let network = makeNetwork()
        let x = backend.makeTensor(
            shape: [3, 6, 6, 2], values: Formula.uniforms(99, 216).map { Float(2 * $0 - 1) })
        let weights = Formula.uniforms(98, 24).map { Float(2 * $0 - 1) }
        func value() -> Double {
            let tape = Tape(backend: backend, training: [], dropoutKey: [5])
            let output = network.output(tape.constant(x), in: tape)
            #expect(!output.needsGradient)
            return zip(output.tensor.array(), weights).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        let tape = Tape(backend: backend, dropoutKey: [5])
        let output = network.output(tape.constant(x), in: tape)
        let gradients = tape.backward(from: [(output, backend.makeTensor(shape: [3, 8], values: weights))])
        let step: Float = 0x1p-7
        var (checked, off) = (0, 0)
        for parameter in [
            network.filter, network.pointwise, network.depthwise, network.mix, network.bias, network.norm.scale,
            network.norm.shift,
        ] {
            guard let gradient = gradients[parameter]?.array() else {
                Issue.record("\(parameter.name) has no gradient")
                continue
            }
            let start = parameter.value
            let values = start.array()
            for index in values.indices {
                func moved(_ distance: Float) -> Double {
                    var moved = values
                    moved[index] += distance
                    parameter.value = backend.makeTensor(shape: start.shape, values: moved)
                    return value()
                }
                let expected = Float((moved(step) - moved(-step)) / Double(2 * step))
                checked += 1
                if abs(gradient[index] - expected) > 2e-3 + 4e-3 * abs(expected) { off += 1 }
            }
            parameter.value = start
        }
        #expect(checked == 72 + 16 + 36 + 64 + 8 + 8)
        #expect(off <= checked / 20, "\(off) of \(checked)")
    }

    /// A loss on two outputs, one of them twice, is the sum of three.
    @Test func severalOutputsAddUp() {
        let weight = parameter("weight", [2, 3])
        let x = backend.makeTensor(shape: [1, 3], values: [1, 2, 3])
        let tape = Tape(backend: backend, dropoutKey: [])
        let first = tape.linear(tape.constant(x), weight: weight, bias: nil)
        let second = tape.linear(tape.constant(x), weight: weight, bias: nil)
        let gradients = tape.backward(from: [
            (first, backend.makeTensor(shape: [1, 2], values: [1, 0])),
            (second, backend.makeTensor(shape: [1, 2], values: [0, 10])),
            (first, backend.makeTensor(shape: [1, 2], values: [100, 0])),
        ])
        #expect(gradients[weight]?.array() == [101, 202, 303, 10, 20, 30])
    }

    @Test func unreachedAndUntrainedParametersHaveNoGradient() {
        let (near, far, other) = (
            parameter("near", [2, 3]), parameter("far", [3, 3], group: .backbone), parameter("other", [2, 3])
        )
        let x = backend.makeTensor(shape: [1, 3], values: [1, 2, 3])
        let tape = Tape(backend: backend, training: [.head], dropoutKey: [])
        let inner = tape.linear(tape.constant(x), weight: far, bias: nil)
        #expect(!inner.needsGradient)
        let output = tape.linear(inner, weight: near, bias: nil)
        _ = tape.linear(inner, weight: other, bias: nil)
        let gradients = tape.backward(from: [(output, backend.makeTensor(shape: [1, 2], repeating: 1))])
        #expect(gradients[near] != nil && gradients[far] == nil && gradients[other] == nil)
    }

    /// Going back frees what the forward kept: at its end nothing of the tape is alive but the gradients.
    @Test func backwardFreesWhatItHasPlayed() {
        weak var kept: (any TensorStorage)?
        let weight = parameter("weight", [3, 3])
        let tape = Tape(backend: backend, dropoutKey: [])
        func forward() -> Tape.Value {
            let x = tape.constant(backend.makeTensor(shape: [1, 3], values: [1, 2, 3]))
            let hidden = tape.linear(x, weight: weight, bias: nil)
            kept = hidden.tensor.storage
            return tape.linear(hidden, weight: weight, bias: nil)
        }
        let output = forward()
        #expect(kept != nil)
        let gradients = tape.backward(from: [(output, backend.makeTensor(shape: [1, 3], repeating: 1))])
        #expect(kept == nil && gradients[weight] != nil)
    }

    @Test func dropoutFollowsItsKey() {
        func mask(_ key: [UInt64]) -> [[Float]] {
            let tape = Tape(backend: backend, dropoutKey: key)
            let x = tape.constant(backend.makeTensor(shape: [1, 64], repeating: 1))
            return [tape.dropout(x, rate: 0.5).tensor.array(), tape.dropout(x, rate: 0.5).tensor.array()]
        }
        #expect(mask([1, 2, 3]) == mask([1, 2, 3]))
        #expect(mask([1, 2, 3]) != mask([1, 2, 4]) && mask([1, 2, 3])[0] != mask([1, 2, 3])[1])
        #expect(mask([1, 2, 3])[0].allSatisfy { $0 == 0 || $0 == 2 })
        let inference = InferenceContext(backend: backend)
        #expect(inference.dropout(backend.makeTensor(shape: [4], repeating: 3), rate: 0.5).array() == [3, 3, 3, 3])
    }

    /// Momentum 1/k over k batches leaves the mean of the batches' means.
    @Test func averagesEstimatedAnewAreMeansOverBatches() {
        let norm = makeNetwork().norm
        let context = InferenceContext(backend: backend)
        for (index, value) in [1, 5, 9].enumerated() as EnumeratedSequence<[Float]> {
            context.batchNormMode = .batchStatistics(momentum: 1 / Float(index + 1))
            let values = [value - 1, value + 1].flatMap { [Float](repeating: $0, count: 4) }
            _ = context.batchNorm(backend.makeTensor(shape: [2, 4], values: values), norm, activation: .identity)
        }
        // Float32's rounding of thirds.
        #expect(norm.runningMean.value.array().allSatisfy { abs($0 - 5) < 1e-5 })
        #expect(norm.runningVariance.value.array().allSatisfy { abs($0 - 2) < 1e-5 })
    }
}
