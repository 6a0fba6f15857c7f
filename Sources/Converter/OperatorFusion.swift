// OperatorFusion: from float nodes to the steps that the device will run. A ReLU or clip right after an op that can
// clamp its output (convolution, linear, add, multiply, average pools) becomes that op's clamp: the value between them
// is never rounded. Sums of linear layers are merged first. Left out: anything that changes a value; scales and
// integers come later.

import ModelGraph
import Tensors

/// One op of the device to be. All its edges hold activations that will be rounded to 8 bits.
package struct FusedStep: Sendable, Equatable {
    package var name: String
    package var op: GraphOp
    /// What the output is clamped to; nil: by its range alone.
    package var clamp: Clamp?
    package var inputs: [String]
    package var output: String

    package struct Clamp: Sendable, Equatable {
        package var low: Float
        package var high: Float
        package init(low: Float, high: Float) {
            self.low = low
            self.high = high
        }
    }
}

package struct FusedGraph: Sendable {
    /// The same network for the float interpreter: no batch norm, sums of linear layers merged, unused nodes gone.
    package let graph: FloatGraph
    package let steps: [FusedStep]
    /// [C, H, W] or [C] of every edge.
    package let shapes: [String: [Int]]

    /// Only by `OperatorFusion`.
    fileprivate init(graph: FloatGraph, steps: [FusedStep], shapes: [String: [Int]]) {
        self.graph = graph
        self.steps = steps
        self.shapes = shapes
    }

    package var classCount: Int { shapes[graph.output]?.first ?? 0 }

    /// The same ops with other numbers.
    /// - Precondition: the same names and shapes.
    func replacingWeights(_ weights: [String: FloatGraph.Weight]) -> FusedGraph {
        var graph = graph
        graph.weights = weights
        return FusedGraph(graph: graph, steps: steps, shapes: shapes)
    }
}

package enum OperatorFusion {
    /// - Throws: `GraphError` where the graph is not a network; `ConversionError` for uses of the photo that cannot take mean and
    ///   deviation in, and for a batch norm that nothing took in.
    package static func fuse(_ folded: FoldedGraph) throws -> FusedGraph {
        _ = try folded.graph.shapes()
        let graph = LinearMerging.merge(folded.graph.withoutUnusedNodes())
        let shapes = try graph.shapes()
        try check(graph, shapes: shapes)

        var steps: [FusedStep] = []
        var producer: [String: Int] = [:]
        for node in graph.nodes {
            if let clamp = node.op.clamp, let index = producer[node.inputs[0]], steps[index].op.canClamp,
                graph.consumerCount(of: node.inputs[0]) == 1
            {
                let earlier = steps[index].clamp ?? FusedStep.Clamp(low: -.infinity, high: .infinity)
                steps[index].clamp = earlier.followed(by: clamp)
                steps[index].output = node.output
                producer[node.output] = index
            } else {
                producer[node.output] = steps.count
                steps.append(
                    FusedStep(name: node.name, op: node.op, clamp: nil, inputs: node.inputs, output: node.output))
            }
        }
        return FusedGraph(graph: graph, steps: steps, shapes: shapes)
    }

    private static func check(_ graph: FloatGraph, shapes: [String: [Int]]) throws {
        guard graph.input.channels == 3 else {
            throw ConversionError.badInput("\(graph.input.channels) channels; a photo has 3")
        }
        for node in graph.nodes {
            if case .batchNorm = node.op {
                throw ConversionError.badNode(
                    name: node.name,
                    reason: "this batch norm stands before or after nothing that it could be folded into")
            }
            if case .clip(let low, let high) = node.op, !(low <= high) {
                throw ConversionError.badNode(name: node.name, reason: "clip from \(low) to \(high)")
            }
            if let window = node.op.window,
                window.padTop >= window.kernelHeight || window.padBottom >= window.kernelHeight
                    || window.padLeft >= window.kernelWidth || window.padRight >= window.kernelWidth
            {
                throw ConversionError.badNode(name: node.name, reason: "its padding is as wide as its kernel, or wider")
            }
            if node.inputs.contains(graph.input.name) {
                guard case .convolution = node.op else {
                    throw ConversionError.badNode(
                        name: node.name,
                        reason: "reads the photo itself; only a convolution may, mean and deviation go into it")
                }
            }
        }
        guard graph.output != graph.input.name, !graph.nodes.isEmpty else {
            throw ConversionError.badInput("it is the output too: there is nothing to convert")
        }
    }
}

extension FusedStep.Clamp {
    /// First to this range, then to `other`: one clamp that gives the same, also where the two do not meet.
    func followed(by other: FusedStep.Clamp) -> FusedStep.Clamp {
        FusedStep.Clamp(low: min(max(low, other.low), other.high), high: max(min(high, other.high), other.low))
    }
}

extension GraphOp {
    var clamp: FusedStep.Clamp? {
        switch self {
        case .relu: FusedStep.Clamp(low: 0, high: .infinity)
        case .clip(let low, let high): FusedStep.Clamp(low: low, high: high)
        default: nil
        }
    }

    var window: Window? {
        switch self {
        case .convolution(_, _, let window, _), .maxPool(let window), .averagePool(let window, _): window
        default: nil
        }
    }

    var canClamp: Bool {
        switch self {
        case .convolution, .linear, .add, .multiply, .globalAveragePool, .averagePool: true
        case .batchNorm, .relu, .clip, .sigmoid, .elu, .hardSigmoid, .hardSwish, .silu, .leakyRelu, .concat,
            .globalMaxPool, .maxPool:
            false
        }
    }

    /// The function of one value that a table holds; nil for other ops.
    var table: ((Double) -> Double)? {
        switch self {
        case .relu: { max($0, 0) }
        case .clip(let low, let high): { min(max($0, Double(low)), Double(high)) }
        case .sigmoid: { 1 / (1 + Exponential.exp(-$0)) }
        case .elu: { $0 > 0 ? $0 : Exponential.expMinusOne($0) }
        case .hardSigmoid(let alpha, let beta): { min(max(Double(alpha) * $0 + Double(beta), 0), 1) }
        case .hardSwish: { $0 * min(max($0 / 6 + 0.5, 0), 1) }
        case .silu: { $0 / (1 + Exponential.exp(-$0)) }
        case .leakyRelu(let slope): { $0 >= 0 ? $0 : Double(slope) * $0 }
        default: nil
        }
    }
}
