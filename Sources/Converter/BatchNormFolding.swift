// BatchNormFolding: a batch norm with fixed statistics is one multiplication and one addition a channel,
//     y = a·x + b,  a = scale/√(variance + epsilon),  b = shift − mean·a,
// and both fit into the weights of a layer beside it. In the order of the nodes, each batch norm goes
//   1. backward into the convolution or linear layer that makes its input, if nothing else reads that: W·a, bias·a + b;
//   2. or forward into the linear layers that read its output, if only linear layers do: W·diag(a), bias + W·b;
//   3. or, on images, into a depthwise 1×1 convolution of its own;
//   4. or is refused by name: on features, between ops that are not linear.
// Left out: folding forward into convolutions, which padding forbids (it would have to be −b/a instead of 0).
// After this stage no graph holds a batch norm.

import ModelGraph
import Tensors

/// A graph without batch norms, computing what the graph that it was made of computes (up to rounding).
package struct FoldedGraph: Sendable, Equatable {
    package let graph: FloatGraph

    /// - Throws: `GraphError` if the graph is not complete and consistent, or holds a batch norm that cannot be folded.
    package init(folding graph: FloatGraph) throws {
        let shapes = try graph.shapes()
        var folding = BatchNormFolding(graph)
        while let index = folding.graph.nodes.firstIndex(where: \.isBatchNorm) {
            try folding.fold(index, isImage: shapes[folding.graph.nodes[index].inputs[0]]?.count == 3)
        }
        folding.dropUnusedWeights()
        _ = try folding.graph.shapes()
        self.graph = folding.graph
    }
}

private struct BatchNormFolding {
    var graph: FloatGraph

    init(_ graph: FloatGraph) { self.graph = graph }

    mutating func fold(_ index: Int, isImage: Bool) throws {
        let node = graph.nodes[index]
        let affine = try ChannelAffine(node, graph.weights)
        let input = node.inputs[0]
        if readers(of: input).count == 1, graph.output != input,
            let maker = graph.nodes.firstIndex(where: { $0.output == input && $0.hasWeight })
        {
            try foldBackward(affine, into: maker)
            graph.nodes[maker].output = node.output
            graph.nodes.remove(at: index)
            return
        }
        let next = readers(of: node.output)
        if graph.output != node.output, !next.isEmpty, next.allSatisfy({ graph.nodes[$0].isLinear }) {
            for reader in next {
                try foldForward(affine, into: reader)
                graph.nodes[reader].inputs = [input]
            }
            graph.nodes.remove(at: index)
            return
        }
        guard isImage else {
            throw GraphError.badNode(
                name: node.name, op: node.op.name,
                reason: "on features it can be folded only into the convolution or linear layer right before it"
                    + " (if nothing else reads that), or into the linear layers right after it")
        }
        let count = affine.factor.count
        let weight = addWeight(
            node.name + "/weight", .init(shape: [count, 1, 1, 1], values: affine.factor.map { Float($0) }))
        let bias = addWeight(node.name + "/bias", .init(shape: [count], values: affine.offset.map { Float($0) }))
        graph.nodes[index].op = .convolution(weight: weight, bias: bias, window: Window(kernel: 1), groups: count)
    }

    /// W·a a row of the weight (one output channel), bias·a + b.
    private mutating func foldBackward(_ affine: ChannelAffine, into index: Int) throws {
        let node = graph.nodes[index]
        var weight = try graph.weight(node.op.weights[0], of: node)
        let rows = affine.factor.count
        let columns = weight.values.count / rows
        for row in 0..<rows {
            for position in row * columns..<(row + 1) * columns {
                weight.values[position] = Float(Double(weight.values[position]) * affine.factor[row])
            }
        }
        let old = try graph.bias(of: node, count: rows)
        let bias = (0..<rows).map { Float(old[$0] * affine.factor[$0] + affine.offset[$0]) }
        replaceWeights(of: index, weight, bias)
    }

    /// W·a a column of the weight (one input feature), bias + W·b.
    private mutating func foldForward(_ affine: ChannelAffine, into index: Int) throws {
        let node = graph.nodes[index]
        var weight = try graph.weight(node.op.weights[0], of: node)
        let (rows, columns) = (weight.shape[0], weight.shape[1])
        var bias = try graph.bias(of: node, count: rows)
        for row in 0..<rows {
            for column in 0..<columns {
                let value = Double(weight.values[row * columns + column])
                bias[row] += value * affine.offset[column]
                weight.values[row * columns + column] = Float(value * affine.factor[column])
            }
        }
        replaceWeights(of: index, weight, bias.map { Float($0) })
    }

    /// Under new names, because another node may share the old ones.
    private mutating func replaceWeights(of index: Int, _ weight: FloatGraph.Weight, _ bias: [Float]) {
        let node = graph.nodes[index]
        let weightName = addWeight(node.op.weights[0] + "/folded", weight)
        let biasName = addWeight(
            node.op.weights.count > 1 ? node.op.weights[1] + "/folded" : node.name + "/bias",
            .init(shape: [bias.count], values: bias))
        switch node.op {
        case .convolution(_, _, let window, let groups):
            graph.nodes[index].op = .convolution(weight: weightName, bias: biasName, window: window, groups: groups)
        default: graph.nodes[index].op = .linear(weight: weightName, bias: biasName)
        }
    }

    private mutating func addWeight(_ wanted: String, _ weight: FloatGraph.Weight) -> String {
        let taken = Set(graph.nodes.map(\.output) + [graph.input.name])
        var name = wanted
        while graph.weights[name] != nil || taken.contains(name) { name += "_" }
        graph.weights[name] = weight
        return name
    }

    private func readers(of edge: String) -> [Int] {
        graph.nodes.indices.filter { graph.nodes[$0].inputs.contains(edge) }
    }

    mutating func dropUnusedWeights() {
        let used = Set(graph.nodes.flatMap(\.op.weights))
        graph.weights = graph.weights.filter { used.contains($0.key) }
    }
}

/// A batch norm as one factor and one offset a channel, in double precision because they are rounded once more in the
/// weights.
struct ChannelAffine {
    var factor: [Double]
    var offset: [Double]

    init(_ node: FloatGraph.Node, _ weights: [String: FloatGraph.Weight]) throws {
        guard case .batchNorm(let scale, let shift, let mean, let variance, let epsilon) = node.op,
            let scale = weights[scale]?.values, let shift = weights[shift]?.values, let mean = weights[mean]?.values,
            let variance = weights[variance]?.values
        else { throw GraphError.badNode(name: node.name, op: node.op.name, reason: "a weight is missing") }
        factor = scale.indices.map { Double(scale[$0]) / (Double(variance[$0]) + Double(epsilon)).squareRoot() }
        let factor = factor
        offset = shift.indices.map { Double(shift[$0]) - Double(mean[$0]) * factor[$0] }
    }
}

extension FloatGraph {
    fileprivate func weight(_ name: String, of node: Node) throws -> Weight {
        guard let weight = weights[name] else {
            throw GraphError.badNode(name: node.name, op: node.op.name, reason: "its weight '\(name)' is missing")
        }
        return weight
    }

    /// Zeros where the node has none.
    fileprivate func bias(of node: Node, count: Int) throws -> [Double] {
        guard node.op.weights.count > 1 else { return [Double](repeating: 0, count: count) }
        return try weight(node.op.weights[1], of: node).values.map { Double($0) }
    }
}

extension FloatGraph.Node {
    fileprivate var isBatchNorm: Bool { if case .batchNorm = op { true } else { false } }
    fileprivate var isLinear: Bool { if case .linear = op { true } else { false } }
    fileprivate var hasWeight: Bool { if case .convolution = op { true } else { isLinear } }
}
