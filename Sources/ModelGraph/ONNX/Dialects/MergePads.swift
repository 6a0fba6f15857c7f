// Zeros around an image (Pad) become padding of the convolutions and poolings that read it. A convolution's own padding
// is zeros. An average pooling counts them from now on, as it did before. A max pooling's own padding is no value at all:
// that is the same where no value of the image is negative, since each window holds a pixel of the image.

import Tensors

extension ReaderGraph {
    mutating func mergePads() throws {
        let makers = makers
        let readers = readers
        for index in steps.indices {
            guard case .pad(let top, let left, let bottom, let right) = steps[index].op else { continue }
            let pad = steps[index]
            func refusal(_ reason: String) -> ONNXError { pad.refusal(reason, accepted: Self.acceptedPad) }
            guard pad.output != output else { throw refusal("its output is the graph's") }
            for reader in readers[pad.output] {
                func padded(_ window: Window) -> Window {
                    Window(
                        kernelHeight: window.kernelHeight, kernelWidth: window.kernelWidth,
                        strideHeight: window.strideHeight, strideWidth: window.strideWidth,
                        padTop: window.padTop + top, padBottom: window.padBottom + bottom,
                        padLeft: window.padLeft + left, padRight: window.padRight + right)
                }
                guard case .graph(let op) = steps[reader].op else {
                    throw refusal("its output goes into \(steps[reader].source) '\(steps[reader].name)'")
                }
                switch op {
                case .convolution(let weight, let bias, let window, let groups):
                    steps[reader].op = .graph(
                        .convolution(weight: weight, bias: bias, window: padded(window), groups: groups))
                case .averagePool(let window, let countsPadding):
                    guard countsPadding || window.pads == [0, 0, 0, 0] else {
                        throw refusal("'\(steps[reader].name)' after it counts these zeros, and its own padding not")
                    }
                    steps[reader].op = .graph(.averagePool(window: padded(window), countsPadding: true))
                case .maxPool(let window):
                    var known: [Int: Bool] = [:]
                    guard isNeverNegative(pad.inputs[0], makers, &known) else {
                        throw refusal(
                            "max pooling '\(steps[reader].name)' would count its zeros, and values before it may be negative"
                        )
                    }
                    steps[reader].op = .graph(.maxPool(window: padded(window)))
                default: throw refusal("its output goes into \(steps[reader].source) '\(steps[reader].name)'")
                }
            }
            for reader in readers[pad.output] {
                steps[reader].inputs = steps[reader].inputs.map { $0 == pad.output ? pad.inputs[0] : $0 }
            }
        }
        removeUnused()
    }

    /// Follows values back to the functions that bound them.
    private func isNeverNegative(_ edge: Int, _ makers: [Int: Int], _ known: inout [Int: Bool]) -> Bool {
        var order: [Int] = [edge]
        while let current = order.last {
            if known[current] != nil {
                order.removeLast()
                continue
            }
            guard let maker = makers[current], case .graph(let op) = steps[maker].op else {
                known[current] = false
                continue
            }
            switch op {
            case .relu, .sigmoid, .hardSigmoid: known[current] = true
            case .clip(let low, _): known[current] = low >= 0
            case .maxPool, .averagePool, .concat, .add, .multiply, .globalAveragePool, .globalMaxPool:
                let open = steps[maker].inputs.filter { known[$0] == nil }
                if open.isEmpty {
                    known[current] = steps[maker].inputs.allSatisfy { known[$0] == true }
                } else {
                    order += open
                }
            default: known[current] = false
            }
        }
        return known[edge] ?? false
    }
}

extension Window {
    fileprivate var pads: [Int] { [padTop, padLeft, padBottom, padRight] }
}
