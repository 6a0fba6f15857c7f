// LinearMerging: sums of linear layers become one linear layer of the joined inputs: W1·a + b1 + W2·b + b2 = [W1
// W2]·[a; b] + (b1 + b2). In float it is the same function; in int8 it saves a rounding to 256 steps for each sum, and
// a network's logits are often such a sum (RMG-PMSI's four classifiers). Weights neither grow nor shrink. Left out:
// products of linear layers (W2·W1 of the interaction): measured on a trained network they left the logits' SQNR as it
// was, 33.7 dB, and made the file 7 % larger.

import ModelGraph

package enum LinearMerging {
    /// A graph that computes the same; nodes that nothing needs any more are gone.
    package static func merge(_ graph: FloatGraph) -> FloatGraph {
        var graph = graph
        while let merged = mergeOne(graph) { graph = merged }
        return graph
    }

    private static func mergeOne(_ graph: FloatGraph) -> FloatGraph? {
        let producers = Dictionary(graph.nodes.indices.map { (graph.nodes[$0].output, $0) }, uniquingKeysWith: { $1 })
        for (index, node) in graph.nodes.enumerated() where node.op == .add {
            guard node.inputs.count == 2, node.inputs[0] != node.inputs[1],
                let first = producers[node.inputs[0]], let second = producers[node.inputs[1]],
                case .linear(let firstWeight, let firstBias) = graph.nodes[first].op,
                case .linear(let secondWeight, let secondBias) = graph.nodes[second].op,
                node.inputs.allSatisfy({ graph.consumerCount(of: $0) == 1 }),
                let a = graph.weights[firstWeight], let b = graph.weights[secondWeight],
                a.shape.count == 2, b.shape.count == 2, a.shape[0] == b.shape[0], a.shape[0] > 0
            else { continue }
            var merged = graph
            let rows = a.shape[0]
            var joined: [Float] = []
            for row in 0..<rows {
                joined += a.values[(row * a.shape[1])..<((row + 1) * a.shape[1])]
                joined += b.values[(row * b.shape[1])..<((row + 1) * b.shape[1])]
            }
            let weight = node.name + ".merged.weight"
            merged.weights[weight] = FloatGraph.Weight(shape: [rows, a.shape[1] + b.shape[1]], values: joined)
            var bias: String?
            let biases = [firstBias, secondBias].compactMap { $0.flatMap { graph.weights[$0] } }
            if !biases.isEmpty {
                bias = node.name + ".merged.bias"
                let sum = (0..<rows).map { row in biases.reduce(Float(0)) { $0 + $1.values[row] } }
                merged.weights[node.name + ".merged.bias"] = FloatGraph.Weight(shape: [rows], values: sum)
            }
            // A concat of concats is one concat: the inputs of a concat that only this sum reads are taken over.
            let edge = node.output + ".joined"
            var parts: [String] = []
            for linear in [first, second] {
                let source = graph.nodes[linear].inputs[0]
                if let producer = producers[source], graph.nodes[producer].op == .concat,
                    graph.consumerCount(of: source) == 1
                {
                    parts += graph.nodes[producer].inputs
                } else {
                    parts.append(source)
                }
            }
            merged.nodes[index] = FloatGraph.Node(
                name: node.name + ".merged", op: .linear(weight: weight, bias: bias), inputs: [edge],
                output: node.output)
            merged.nodes.insert(
                FloatGraph.Node(name: node.name + ".joined", op: .concat, inputs: parts, output: edge), at: index)
            return merged.withoutUnusedNodes()
        }
        return nil
    }
}

extension FloatGraph {
    /// How often `edge` is read: by nodes, and as the graph's output.
    func consumerCount(of edge: String) -> Int {
        nodes.reduce(edge == output ? 1 : 0) { $0 + $1.inputs.count(where: { $0 == edge }) }
    }

    /// The nodes on the way to the output, and their weights.
    func withoutUnusedNodes() -> FloatGraph {
        var needed: Set<String> = [output]
        var kept: [Node] = []
        for node in nodes.reversed() where needed.contains(node.output) {
            kept.append(node)
            needed.formUnion(node.inputs)
        }
        var graph = self
        graph.nodes = kept.reversed()
        let names = Set(graph.nodes.flatMap(\.op.weights))
        graph.weights = weights.filter { names.contains($0.key) }
        return graph
    }
}
