// GraphSummary: what a float graph costs, node by node, for `tiny inspect` and reports.

import Tensors

package struct GraphSummary: Sendable, Equatable {
    package struct Row: Sendable, Equatable {
        package var name: String
        package var op: String
        /// [C, H, W] or [C].
        package var outputShape: [Int]
        /// Trained values: weights and biases, batch norm's scale and shift; not its running averages.
        package var parameters: Int
        /// For one photo. Only convolutions and linear layers are counted.
        package var multiplyAdds: Int
    }

    package var rows: [Row]
    /// Values that several nodes share are counted once.
    package var parameters: Int
    package var multiplyAdds: Int

    /// - Throws: `GraphError` if the graph is not complete and consistent.
    package init(_ graph: FloatGraph) throws {
        let shapes = try graph.shapes()
        func count(_ names: some Sequence<String>) -> Int {
            names.reduce(0) { $0 + (graph.weights[$1]?.values.count ?? 0) }
        }
        rows = graph.nodes.map { node in
            let shape = shapes[node.output] ?? []
            var products = 0
            switch node.op {
            case .convolution(let weight, _, _, _): products = count([weight]) * shape.dropFirst().reduce(1, *)
            case .linear(let weight, _): products = count([weight])
            default: break
            }
            return Row(
                name: node.name, op: node.op.name, outputShape: shape, parameters: count(node.op.trainedWeights),
                multiplyAdds: products)
        }
        parameters = count(Set(graph.nodes.flatMap(\.op.trainedWeights)))
        multiplyAdds = rows.reduce(0) { $0 + $1.multiplyAdds }
    }
}

extension GraphOp {
    fileprivate var trainedWeights: [String] {
        if case .batchNorm(let scale, let shift, _, _, _) = self { return [scale, shift] }
        return weights
    }
}
