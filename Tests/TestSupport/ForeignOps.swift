// ForeignOps: a small graph with the ops that our own networks lack: grouped convolutions, squeeze-and-excitation, average pools,
// the functions of one value. Weights are of a formula, so that two test targets hold the same.

import ModelGraph
import Tensors

package enum ForeignOps {
    /// x: 3 × 9 × 8 → logits: 5.
    package static let graph: FloatGraph = {
        var graph = FloatGraph(
            name: "foreign", input: .init(name: "x", channels: 3, height: 9, width: 8), nodes: [], output: "logits",
            weights: [:])
        func weight(_ name: String, _ shape: [Int]) -> String {
            let count = shape.reduce(1, *)
            let terms = Float(shape.dropFirst().reduce(1, *))
            graph.weights[name] = .init(
                shape: shape,
                values: (0..<count).map { Float(($0 * 7919 + name.utf8.count * 31) % 201 - 100) / 60 / terms.squareRoot() })
            return name
        }
        func node(_ op: GraphOp, _ inputs: [String], _ output: String) {
            graph.nodes.append(.init(name: "n_" + output, op: op, inputs: inputs, output: output))
        }
        let odd = Window(
            kernelHeight: 3, kernelWidth: 2, strideHeight: 2, strideWidth: 1, padTop: 1, padBottom: 0, padLeft: 1,
            padRight: 0)
        node(
            .convolution(weight: weight("stem", [12, 3, 3, 3]), bias: nil, window: Window(kernel: 3, pad: 1), groups: 1),
            ["x"], "stem.y")
        node(.hardSwish, ["stem.y"], "swished")
        node(
            .convolution(
                weight: weight("grouped", [18, 4, 3, 3]), bias: weight("grouped.b", [18]),
                window: Window(kernel: 3, stride: 2, pad: 1), groups: 3), ["swished"], "grouped.y")
        node(.silu, ["grouped.y"], "gated")
        node(
            .convolution(
                weight: weight("multiplied", [36, 1, 3, 2]), bias: nil, window: odd, groups: 18), ["gated"], "multiplied.y")
        node(.leakyRelu(slope: 0.25), ["multiplied.y"], "leaky")
        node(.averagePool(window: odd, countsPadding: true), ["leaky"], "counted")
        node(.averagePool(window: odd, countsPadding: false), ["leaky"], "inside")
        node(.add, ["counted", "inside"], "sum")
        node(.globalAveragePool, ["sum"], "squeezed")
        node(.linear(weight: weight("squeeze", [6, 36]), bias: weight("squeeze.b", [6])), ["squeezed"], "narrow")
        node(.relu, ["narrow"], "narrow.relu")
        node(.linear(weight: weight("excite", [36, 6]), bias: nil), ["narrow.relu"], "wide")
        node(.hardSigmoid(alpha: 0.2, beta: 0.5), ["wide"], "gate")
        node(.multiply, ["sum", "gate"], "excited")
        node(.globalMaxPool, ["excited"], "pooled")
        node(.linear(weight: weight("fc", [5, 36]), bias: weight("fc.b", [5])), ["pooled"], "logits")
        return graph
    }()
}
