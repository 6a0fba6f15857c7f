// StepReference: what an op of the device computes, in plain Double loops and H W C, with the float weights: the
// reference for one op on the integers that really came in. Independent of interpreter, kernels and quantizer.

import Converter
import Foundation
import ModelGraph
import Tensors

struct StepReference {
    struct Image {
        var height: Int
        var width: Int
        var channels: Int
        var values: [Double]

        func at(_ y: Int, _ x: Int, _ c: Int) -> Double { values[(y * width + x) * channels + c] }
    }

    var value: Image
    /// How far rounding each weight to a step may move the value, one bound a value; zero for ops without weights.
    var weightBound: [Double]

    /// - Parameters:
    ///   - padding: what stands outside, by channel, in the same units as the input.
    ///   - weightSteps: scale of each output channel's weights.
    init(
        _ op: GraphOp, _ inputs: [Image], weights: [String: FloatGraph.Weight],
        output: (height: Int, width: Int, channels: Int),
        padding: [Double], weightSteps: [Float]
    ) {
        var values: [Double] = []
        var bounds: [Double] = []
        for y in 0..<output.height {
            for x in 0..<output.width {
                for c in 0..<output.channels {
                    let (value, bound) = Self.one(op, inputs, weights, y, x, c, padding, weightSteps)
                    values.append(value)
                    bounds.append(bound)
                }
            }
        }
        value = Image(height: output.height, width: output.width, channels: output.channels, values: values)
        weightBound = bounds
    }

    private static func one(
        _ op: GraphOp, _ inputs: [Image], _ weights: [String: FloatGraph.Weight], _ y: Int, _ x: Int, _ c: Int,
        _ padding: [Double], _ steps: [Float]
    ) -> (Double, Double) {
        let first = inputs[0]
        switch op {
        case .convolution(let weight, let bias, let window, let groups):
            guard let w = weights[weight] else { return (.nan, 0) }
            let inputChannels = w.shape[1]
            var sum = bias.flatMap { weights[$0] }.map { Double($0.values[c]) } ?? 0
            var reach = 0.0
            for i in 0..<inputChannels {
                let channel = c / (w.shape[0] / groups) * inputChannels + i
                for dy in 0..<window.kernelHeight {
                    for dx in 0..<window.kernelWidth {
                        let (sy, sx) = (
                            y * window.strideHeight - window.padTop + dy, x * window.strideWidth - window.padLeft + dx
                        )
                        let isInside = (0..<first.height).contains(sy) && (0..<first.width).contains(sx)
                        let value = isInside ? first.at(sy, sx, channel) : padding[channel]
                        let place = ((c * inputChannels + i) * window.kernelHeight + dy) * window.kernelWidth + dx
                        sum += value * Double(w.values[place])
                        reach += abs(value)
                    }
                }
            }
            return (sum, reach * Double(steps[c]) / 2)
        case .linear(let weight, let bias):
            guard let w = weights[weight] else { return (.nan, 0) }
            var sum = bias.flatMap { weights[$0] }.map { Double($0.values[c]) } ?? 0
            var reach = 0.0
            for i in 0..<w.shape[1] {
                sum += first.at(0, 0, i) * Double(w.values[c * w.shape[1] + i])
                reach += abs(first.at(0, 0, i))
            }
            return (sum, reach * Double(steps[c]) / 2)
        case .relu: return (max(first.at(y, x, c), 0), 0)
        case .clip(let low, let high): return (min(max(first.at(y, x, c), Double(low)), Double(high)), 0)
        case .sigmoid: return (1 / (1 + exp(-first.at(y, x, c))), 0)
        case .elu:
            let value = first.at(y, x, c)
            return (value > 0 ? value : exp(value) - 1, 0)
        case .hardSigmoid(let alpha, let beta):
            return (max(0, min(1, Double(alpha) * first.at(y, x, c) + Double(beta))), 0)
        case .hardSwish: return (first.at(y, x, c) * max(0, min(1, first.at(y, x, c) / 6 + 0.5)), 0)
        case .silu: return (first.at(y, x, c) / (1 + exp(-first.at(y, x, c))), 0)
        case .leakyRelu(let slope): return (first.at(y, x, c) * (first.at(y, x, c) < 0 ? Double(slope) : 1), 0)
        case .add: return (first.at(y, x, c) + inputs[1].at(y, x, c), 0)
        case .multiply:
            let isFactor = inputs[1].values.count == first.channels
            return (first.at(y, x, c) * (isFactor ? inputs[1].at(0, 0, c) : inputs[1].at(y, x, c)), 0)
        case .concat:
            var channel = c
            for input in inputs {
                if channel < input.channels { return (input.at(y, x, channel), 0) }
                channel -= input.channels
            }
            return (.nan, 0)
        case .globalAveragePool:
            let sum = (0..<(first.height * first.width)).reduce(0.0) { $0 + first.values[$1 * first.channels + c] }
            return (sum / Double(first.height * first.width), 0)
        case .globalMaxPool:
            return (
                (0..<(first.height * first.width)).reduce(-Double.infinity) {
                    max($0, first.values[$1 * first.channels + c])
                }, 0
            )
        case .maxPool(let window):
            var best = -Double.infinity
            for dy in 0..<window.kernelHeight {
                for dx in 0..<window.kernelWidth {
                    let (sy, sx) = (
                        y * window.strideHeight - window.padTop + dy, x * window.strideWidth - window.padLeft + dx
                    )
                    if (0..<first.height).contains(sy) && (0..<first.width).contains(sx) {
                        best = max(best, first.at(sy, sx, c))
                    }
                }
            }
            return (best, 0)
        case .averagePool(let window, let countsPadding):
            var (sum, count) = (0.0, 0)
            for dy in 0..<window.kernelHeight {
                for dx in 0..<window.kernelWidth {
                    let (sy, sx) = (
                        y * window.strideHeight - window.padTop + dy, x * window.strideWidth - window.padLeft + dx
                    )
                    if (0..<first.height).contains(sy) && (0..<first.width).contains(sx) {
                        sum += first.at(sy, sx, c)
                        count += 1
                    }
                }
            }
            return (sum / Double(countsPadding ? window.kernelHeight * window.kernelWidth : count), 0)
        case .batchNorm: return (.nan, 0)
        }
    }
}
