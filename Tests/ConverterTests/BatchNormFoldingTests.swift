// A folded graph computes what the unfolded one does: random graphs, both run in plain loops; and the places of folding
// by hand.

import Converter
import ModelGraph
import Tensors
import TestSupport
import Testing

struct BatchNormFoldingTests {
    // Factors up to 1.5/√0.001 = 47 magnify the rounding of a weight; the logits are of order 1…100.
    @Test(arguments: UInt64(1)...40)
    func foldedEqualsUnfolded(seed: UInt64) throws {
        let graph = RandomGraph.make(seed: seed)
        let folded = try FoldedGraph(folding: graph).graph
        #expect(!folded.nodes.contains { $0.op.name == "batchNorm" })
        #expect(folded.output == graph.output)
        let backend = PlainBackend()
        var generator = SeededGenerator(state: seed)
        let x = backend.makeTensor(shape: [2, 9, 8, 3], values: generator.values(2 * 9 * 8 * 3))
        let expected = try FloatInterpreter(graph, backend: backend).run(x).array()
        let actual = try FloatInterpreter(folded, backend: backend).run(x).array()
        let scale = expected.map(abs).max() ?? 0
        #expect(scale > 0.01)
        #expect(mismatch(actual, expected, absolute: 1e-4 * max(scale, 1), relative: 1e-4) == nil, "seed \(seed)")
    }

    @Test func foldsBackwardByHand() throws {
        // y = 2·(3x + 1 − 4)/√(0.75 + 0.25) + 5 = 6x − 1
        let graph = Self.features(
            [.linear(weight: "w", bias: "b"), Self.norm], weights: ["w": ([1, 1], [3]), "b": ([1], [1])])
        let folded = try FoldedGraph(folding: graph).graph
        #expect(folded.nodes.map(\.op) == [.globalAveragePool, .linear(weight: "w/folded", bias: "b/folded")])
        #expect(folded.weights["w/folded"]?.values == [6])
        #expect(folded.weights["b/folded"]?.values == [-1])
        #expect(folded.weights.count == 2)
    }

    @Test func foldsForwardByHand() throws {
        // z = 3·(2·(x − 4)/1 + 5) = 6x − 9
        let graph = Self.features([Self.norm, .linear(weight: "w", bias: nil)], weights: ["w": ([1, 1], [3])])
        let folded = try FoldedGraph(folding: graph).graph
        #expect(folded.nodes.map(\.op) == [.globalAveragePool, .linear(weight: "w/folded", bias: "e2/bias")])
        #expect(folded.weights["w/folded"]?.values == [6])
        #expect(folded.weights["e2/bias"]?.values == [-9])
    }

    @Test func becomesADepthwiseConvolutionOnImages() throws {
        var graph = Self.features([], weights: [:])
        graph.nodes.insert(.init(name: "norm", op: Self.norm, inputs: ["x"], output: "n"), at: 0)
        graph.nodes[1].inputs = ["n"]
        let folded = try FoldedGraph(folding: graph).graph
        #expect(
            folded.nodes[0].op
                == .convolution(weight: "norm/weight", bias: "norm/bias", window: Window(kernel: 1), groups: 1))
        #expect(folded.weights["norm/weight"] == .init(shape: [1, 1, 1, 1], values: [2]))
        #expect(folded.weights["norm/bias"] == .init(shape: [1], values: [-3]))
    }

    @Test func sharedWeightsStay() throws {
        // Both linear layers share w; only the first is followed by a batch norm.
        var graph = Self.features(
            [.linear(weight: "w", bias: nil), Self.norm, .sigmoid], weights: ["w": ([1, 1], [3])])
        graph.nodes.append(.init(name: "again", op: .linear(weight: "w", bias: nil), inputs: ["e3"], output: "z"))
        graph.output = "z"
        let folded = try FoldedGraph(folding: graph).graph
        #expect(folded.weights["w"]?.values == [3])
        #expect(folded.weights["w/folded"]?.values == [6])
    }

    @Test func refusesByName() {
        let graph = Self.features([Self.norm, .sigmoid], weights: [:])
        #expect {
            try FoldedGraph(folding: graph)
        } throws: { error in
            guard case .badNode(name: "e1", op: "batchNorm", _)? = error as? GraphError else { return false }
            return true
        }
    }

    static let norm = GraphOp.batchNorm(scale: "s", shift: "t", mean: "m", variance: "v", epsilon: 0.25)

    /// One channel, pooled to "e0", then the ops in a chain: "e1", "e2", ….
    static func features(_ ops: [GraphOp], weights: [String: ([Int], [Float])]) -> FloatGraph {
        var all = ["s": ([1], [2]), "t": ([1], [5]), "m": ([1], [4]), "v": ([1], [Float(0.75)])]
        all.merge(weights) { $1 }
        var nodes = [FloatGraph.Node(name: "e0", op: .globalAveragePool, inputs: ["x"], output: "e0")]
        for (index, op) in ops.enumerated() {
            nodes.append(.init(name: "e\(index + 1)", op: op, inputs: ["e\(index)"], output: "e\(index + 1)"))
        }
        return FloatGraph(
            name: "features", input: .init(name: "x", channels: 1, height: 2, width: 2), nodes: nodes,
            output: "e\(ops.count)", weights: all.mapValues { .init(shape: $0.0, values: $0.1) })
    }
}
