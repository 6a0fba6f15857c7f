// The plain backend's gradients against central finite differences: d/dx Σ c·y(x), with random c, for every value of
// every input.
//
// Step 2⁻⁷. Outputs are Floats near 1 and summed in Double, so a quotient errs by about 2⁻²⁴·√(number of outputs) / 2⁻⁶
// ≈ 1e-4, and by the
// third derivative times the step squared over 6: zero for what is linear, some 1e-4 for batch norm over few values.
// Tolerance 2e-3.
// At a kink a difference quotient is no derivative: outputs that lie within reach of one get c = 0, and maxima are at
// least four steps
// ahead of what they beat.

import Tensors
import TestSupport
import Testing

private let step: Float = 0x1p-7

/// Compares `gradients` (at the given inputs) with difference quotients of Σ coefficient · output.
private func check(
    _ what: String, inputs: [HostArray], coefficients: [Float],
    forward: (PlainBackend, [Tensor]) -> Tensor, gradients: (PlainBackend, [Tensor], Tensor) -> [Tensor]
) {
    let backend = PlainBackend()
    let tensors = inputs.map { $0.on(backend) }
    let y = forward(backend, tensors)
    let analytic = gradients(backend, tensors, backend.makeTensor(shape: y.shape, values: coefficients))
    #expect(analytic.count == inputs.count)
    func value(_ position: Int, _ index: Int, _ change: Float) -> Double {
        var changed = inputs
        changed[position].values[index] += change
        let output = forward(backend, changed.map { $0.on(backend) }).array()
        return zip(output, coefficients).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    for (position, input) in inputs.enumerated() {
        let numeric = input.values.indices.map {
            Float((value(position, $0, step) - value(position, $0, -step)) / Double(2 * step))
        }
        #expect(analytic[position].shape == input.shape, "\(what), input \(position)")
        let difference = mismatch(analytic[position].array(), numeric, absolute: 2e-3, relative: 2e-3)
        #expect(difference == nil, "\(what), gradient of input \(position)")
    }
}

/// Values in random order, four steps from each other at least.
private func distinct(_ shape: [Int], _ numbers: inout TestNumbers) -> HostArray {
    let count = shape.reduce(1, *)
    var values = (0..<count).map { Float($0 - count / 2) * 4 * step }
    for index in values.indices.reversed() { values.swapAt(index, numbers.integer(0...index)) }
    return HostArray(shape: shape, values: values)
}

@Suite("Plain gradients equal finite differences")
struct FiniteDifferenceTests {
    @Test(
        "convolution",
        arguments: [
            (Window(kernel: 3, stride: 1, pad: 1), 1), (Window(kernel: 3, stride: 2, pad: 1), 1),
            (Window(kernel: 1), 1),
            (
                Window(
                    kernelHeight: 3, kernelWidth: 2, strideHeight: 2, strideWidth: 1, padTop: 0, padBottom: 1,
                    padLeft: 1,
                    padRight: 2), 1
            ),
            (Window(kernel: 3, stride: 1, pad: 1), 3), (Window(kernel: 3, stride: 2, pad: 1), 3),
            (Window(kernel: 5, stride: 2, pad: 2), 3),
        ])
    func convolution(window: Window, groups: Int) {
        var numbers = TestNumbers(seed: 1)
        let outputs = groups == 1 ? 4 : 3
        let x = HostArray([2, 5, 6, 3], &numbers)
        let weight = HostArray([outputs, window.kernelHeight, window.kernelWidth, 3 / groups], &numbers)
        let bias = HostArray([outputs], &numbers)
        let count = 2 * window.outputHeight(5) * window.outputWidth(6) * outputs
        check("\(window), \(groups) groups", inputs: [x, weight, bias], coefficients: numbers.values(count)) {
            $0.convolution($1[0], weight: $1[1], bias: $1[2], window: window, groups: groups)
        } gradients: { backend, inputs, dy in
            let back = backend.convolutionBackward(
                inputs[0], weight: inputs[1], outputGradient: dy, window: window, groups: groups,
                needsInputGradient: true,
                needsBiasGradient: true)
            return [back.input, back.weight, back.bias].compactMap { $0 }
        }
    }

    @Test("batch norm", arguments: [Activation.identity, .relu, .relu6])
    func batchNorm(activation: Activation) {
        var numbers = TestNumbers(seed: 2)
        let x = HostArray([3, 2, 2, 4], &numbers, from: -2, to: 2)
        let scale = HostArray([4], &numbers, from: 1, to: 5)
        let shift = HostArray([4], &numbers, from: 1, to: 3)
        func forward(_ backend: PlainBackend, _ inputs: [Tensor], _ activation: Activation) -> (Tensor, BatchStatistics)
        {
            backend.batchNormTraining(
                inputs[0], scale: inputs[1], shift: inputs[2],
                runningMean: backend.makeTensor(shape: [4], repeating: 0),
                runningVariance: backend.makeTensor(shape: [4], repeating: 1), momentum: 0.1, epsilon: 1e-3,
                activation: activation)
        }
        let plain = PlainBackend()
        // One step moves an output by less than 5 · 2⁻⁷ · 1.1.
        let before = forward(plain, [x, scale, shift].map { $0.on(plain) }, .identity).0.array()
        let coefficients = zip(before, numbers.values(before.count)).map { y, c in
            activation != .identity && (abs(y) < 0.06 || abs(y - 6) < 0.06) ? 0 : c
        }
        #expect(coefficients.filter { $0 != 0 }.count > 40)
        check("batch norm, \(activation)", inputs: [x, scale, shift], coefficients: coefficients) {
            forward($0, $1, activation).0
        } gradients: { backend, inputs, dy in
            let (y, statistics) = forward(backend, inputs, activation)
            let back = backend.batchNormTrainingBackward(
                inputs[0], output: y, scale: inputs[1], shift: inputs[2], statistics: statistics,
                activation: activation,
                outputGradient: dy)
            return [back.input, back.scale, back.shift]
        }
    }

    @Test("linear")
    func linear() {
        var numbers = TestNumbers(seed: 3)
        let inputs = [HostArray([3, 5], &numbers), HostArray([4, 5], &numbers), HostArray([4], &numbers)]
        check("linear", inputs: inputs, coefficients: numbers.values(12)) {
            $0.linear($1[0], weight: $1[1], bias: $1[2])
        } gradients: { backend, inputs, dy in
            let back = backend.linearBackward(inputs[0], weight: inputs[1], outputGradient: dy, needsBiasGradient: true)
            return [back.input, back.weight, back.bias].compactMap { $0 }
        }
    }

    @Test("activations", arguments: [Activation.identity, .relu, .relu6, .sigmoid, .elu])
    func activations(activation: Activation) {
        var numbers = TestNumbers(seed: 4)
        var x = HostArray([7, 9], &numbers, from: -8, to: 8)
        // Three steps off the kinks.
        x.values = x.values.map { abs($0) < 3 * step || abs($0 - 6) < 3 * step ? $0 + 6 * step : $0 }
        check("\(activation)", inputs: [x], coefficients: numbers.values(63)) {
            $0.activate($1[0], activation)
        } gradients: { backend, inputs, dy in
            [backend.activateBackward(output: backend.activate(inputs[0], activation), activation, outputGradient: dy)]
        }
    }

    @Test("sum, product, multiple, dropout")
    func arithmetic() {
        var numbers = TestNumbers(seed: 5)
        let inputs = [HostArray([4, 6], &numbers), HostArray([4, 6], &numbers)]
        let coefficients = numbers.values(24)
        check("sum", inputs: inputs, coefficients: coefficients) {
            $0.add($1[0], $1[1])
        } gradients: { _, _, dy in
            [dy, dy]
        }
        check("product", inputs: inputs, coefficients: coefficients) {
            $0.multiply($1[0], $1[1])
        } gradients: { backend, inputs, dy in
            [backend.multiply(dy, inputs[1]), backend.multiply(dy, inputs[0])]
        }
        check("multiple", inputs: [inputs[0]], coefficients: coefficients) {
            $0.scale($1[0], by: -1.5)
        } gradients: { backend, _, dy in
            [backend.scale(dy, by: -1.5)]
        }
        check("dropout", inputs: [inputs[0]], coefficients: coefficients) {
            $0.multiply($1[0], $0.dropoutMask(shape: [4, 6], rate: 0.5, seed: 9))
        } gradients: { backend, _, dy in
            [backend.multiply(dy, backend.dropoutMask(shape: [4, 6], rate: 0.5, seed: 9))]
        }
    }

    @Test("pooling")
    func pooling() {
        var numbers = TestNumbers(seed: 6)
        let x = distinct([2, 4, 5, 3], &numbers)
        check("global average", inputs: [x], coefficients: numbers.values(6)) {
            $0.globalAveragePool($1[0])
        } gradients: { backend, inputs, dy in
            [backend.globalAveragePoolBackward(inputShape: inputs[0].shape, outputGradient: dy)]
        }
        check("global maximum", inputs: [x], coefficients: numbers.values(6)) {
            $0.globalMaxPool($1[0])
        } gradients: { backend, inputs, dy in
            [
                backend.globalMaxPoolBackward(
                    inputs[0], output: backend.globalMaxPool(inputs[0]), outputGradient: dy)
            ]
        }
        for window in [Window(kernel: 2, stride: 2), Window(kernel: 3, stride: 1, pad: 1)] {
            let count = 2 * window.outputHeight(4) * window.outputWidth(5) * 3
            check("maximum, \(window)", inputs: [x], coefficients: numbers.values(count)) {
                $0.maxPool($1[0], window: window)
            } gradients: { backend, inputs, dy in
                [
                    backend.maxPoolBackward(
                        inputs[0], output: backend.maxPool(inputs[0], window: window), window: window,
                        outputGradient: dy)
                ]
            }
        }
    }

    @Test("concat and permutation of pixels")
    func joining() {
        var numbers = TestNumbers(seed: 7)
        let parts = [HostArray([3, 2], &numbers), HostArray([3, 4], &numbers), HostArray([3, 1], &numbers)]
        check("concat", inputs: parts, coefficients: numbers.values(21)) {
            $0.concat($1)
        } gradients: { backend, _, dy in
            backend.split(dy, sizes: [2, 4, 1])
        }
        let source: [Int32] = [3, 1, 0, 5, 4, 2]
        let inverse: [Int32] = [2, 1, 5, 0, 4, 3]
        check("permutation", inputs: [HostArray([2, 2, 3, 4], &numbers)], coefficients: numbers.values(48)) {
            $0.permutePixels($1[0], source: source)
        } gradients: { backend, _, dy in
            [backend.permutePixels(dy, source: inverse)]
        }
    }

    @Test("softmax cross-entropy", arguments: [Float(0), 0.1, 0.5])
    func loss(smoothing: Float) {
        var numbers = TestNumbers(seed: 8)
        let logits = HostArray([4, 5], &numbers, from: -3, to: 3)
        let labels = [0, 4, 2, 2]
        check("loss, smoothing \(smoothing)", inputs: [logits], coefficients: [1]) {
            $0.makeTensor(
                shape: [1], values: [$0.softmaxCrossEntropy($1[0], labels: labels, smoothing: smoothing).loss])
        } gradients: { backend, inputs, _ in
            [backend.softmaxCrossEntropy(inputs[0], labels: labels, smoothing: smoothing).gradient]
        }
    }
}
