// Tape's ops: each computes its output and says how to go back. A closure captures just the tensors that its way back
// reads: whatever nobody captures is freed during the forward pass already.

import Tensors

extension Tape: ForwardContext {
    package func convolution(
        _ x: Value, weight: Parameter, bias: Parameter?, window: Window, groups: Int
    ) -> Value {
        let output = backend.convolution(
            x.tensor, weight: weight.value, bias: bias?.value, window: window, groups: groups)
        return record(output, when: x.needsGradient || trains(weight) || trains(bias)) { gradient, tape in
            let way = tape.backend.convolutionBackward(
                x.tensor, weight: weight.value, outputGradient: gradient, window: window, groups: groups,
                needsInputGradient: x.needsGradient, needsBiasGradient: tape.trains(bias))
            if let input = way.input { tape.accumulate(input, into: x.target) }
            tape.accumulate(way.weight, for: weight)
            tape.accumulate(way.bias, for: bias)
        }
    }

    package func batchNorm(_ x: Value, _ layer: BatchNorm, activation: Activation) -> Value {
        let (output, statistics) = backend.batchNormTraining(
            x.tensor, scale: layer.scale.value, shift: layer.shift.value, runningMean: layer.runningMean.value,
            runningVariance: layer.runningVariance.value, momentum: layer.momentum, epsilon: layer.epsilon,
            activation: activation)
        return record(output, when: x.needsGradient || trains(layer.scale)) { gradient, tape in
            let way = tape.backend.batchNormTrainingBackward(
                x.tensor, output: output, scale: layer.scale.value, shift: layer.shift.value, statistics: statistics,
                activation: activation, outputGradient: gradient)
            tape.accumulate(way.input, into: x.target)
            tape.accumulate(way.scale, for: layer.scale)
            tape.accumulate(way.shift, for: layer.shift)
        }
    }

    package func linear(_ x: Value, weight: Parameter, bias: Parameter?) -> Value {
        let output = backend.linear(x.tensor, weight: weight.value, bias: bias?.value)
        return record(output, when: x.needsGradient || trains(weight) || trains(bias)) { gradient, tape in
            let way = tape.backend.linearBackward(
                x.tensor, weight: weight.value, outputGradient: gradient, needsBiasGradient: tape.trains(bias))
            tape.accumulate(way.input, into: x.target)
            tape.accumulate(way.weight, for: weight)
            tape.accumulate(way.bias, for: bias)
        }
    }

    package func activate(_ x: Value, _ activation: Activation) -> Value {
        let output = backend.activate(x.tensor, activation)
        return record(output, when: x.needsGradient) { gradient, tape in
            tape.accumulate(
                tape.backend.activateBackward(output: output, activation, outputGradient: gradient), into: x.target)
        }
    }

    package func add(_ a: Value, _ b: Value) -> Value {
        let (first, second) = (a.target, b.target)
        return record(backend.add(a.tensor, b.tensor), when: a.needsGradient || b.needsGradient) { gradient, tape in
            tape.accumulate(gradient, into: first)
            tape.accumulate(gradient, into: second)
        }
    }

    package func multiply(_ a: Value, _ b: Value) -> Value {
        record(backend.multiply(a.tensor, b.tensor), when: a.needsGradient || b.needsGradient) { gradient, tape in
            tape.accumulate(tape.backend.multiply(gradient, b.tensor), into: a.target)
            tape.accumulate(tape.backend.multiply(gradient, a.tensor), into: b.target)
        }
    }

    package func concat(_ parts: [Value]) -> Value {
        let sizes = parts.map { $0.tensor.shape[$0.tensor.shape.count - 1] }
        let targets = parts.map(\.target)
        return record(backend.concat(parts.map(\.tensor)), when: parts.contains(where: \.needsGradient)) {
            gradient, tape in
            for (target, part) in zip(targets, tape.backend.split(gradient, sizes: sizes)) {
                tape.accumulate(part, into: target)
            }
        }
    }

    package func dropout(_ x: Value, rate: Float) -> Value {
        let mask = backend.dropoutMask(shape: x.tensor.shape, rate: rate, seed: nextDropoutSeed())
        let target = x.target
        return record(backend.multiply(x.tensor, mask), when: x.needsGradient) { gradient, tape in
            tape.accumulate(tape.backend.multiply(gradient, mask), into: target)
        }
    }

    package func globalAveragePool(_ x: Value) -> Value {
        let target = x.target
        let shape = x.tensor.shape
        return record(backend.globalAveragePool(x.tensor), when: x.needsGradient) { gradient, tape in
            tape.accumulate(
                tape.backend.globalAveragePoolBackward(inputShape: shape, outputGradient: gradient), into: target)
        }
    }

    package func globalMaxPool(_ x: Value) -> Value {
        let output = backend.globalMaxPool(x.tensor)
        return record(output, when: x.needsGradient) { gradient, tape in
            tape.accumulate(
                tape.backend.globalMaxPoolBackward(x.tensor, output: output, outputGradient: gradient), into: x.target)
        }
    }

    package func maxPool(_ x: Value, window: Window) -> Value {
        let output = backend.maxPool(x.tensor, window: window)
        return record(output, when: x.needsGradient) { gradient, tape in
            tape.accumulate(
                tape.backend.maxPoolBackward(x.tensor, output: output, window: window, outputGradient: gradient),
                into: x.target)
        }
    }
}
