// Merging and fusing change no value: the fused graph's float answers against the original's, on the plain backend.

import Converter
import ModelGraph
import Tensors
import TestSupport
import Testing
import TinyRuntime

struct LinearMergingTests {
    private func input(_ graph: FloatGraph, _ backend: PlainBackend, seed: UInt64) -> Tensor {
        var random = SplitMix64(seed: seed)
        let shape = [2, graph.input.height, graph.input.width, 3]
        return backend.makeTensor(
            shape: shape, values: (0..<shape.reduce(1, *)).map { _ in Float.random(in: -2...2, using: &random) })
    }

    @Test(arguments: [true, false])
    func fusedGraphComputesTheSame(_ separable: Bool) throws {
        let graph = NetworkBuilder.interactive(separable: separable, seed: 11)
        let fused = try OperatorFusion.fuse(FoldedGraph(folding: graph))
        let backend = PlainBackend()
        let x = input(graph, backend, seed: 12)
        let expected = try FloatInterpreter(graph, backend: backend).run(x).array()
        let actual = try FloatInterpreter(fused.graph, backend: backend).run(x).array()
        // Folding and the other order of sums move the last bits only.
        #expect(mismatch(actual, expected, absolute: 2e-4, relative: 1e-4) == nil)
        // Four classifiers' last layers are one; no add is left but the residual and the three interactions.
        #expect(fused.steps.count { $0.op == .add } == 4)
        #expect(fused.steps.count { if case .linear = $0.op { true } else { false } } == 2 + 4 + 1)
    }

    @Test func aSumThatIsReadTwiceStays() throws {
        var net = NetworkBuilder(side: 8, seed: 4)
        let pooled = net.node(.globalAveragePool, [net.convolution("photo", 6, kernel: 3)])
        let (a, b) = (net.linear(pooled, 5), net.linear(pooled, 5))
        _ = net.node(.multiply, [net.node(.add, [a, b]), a])
        let fused = try OperatorFusion.fuse(FoldedGraph(folding: net.finished()))
        #expect(fused.steps.contains { $0.op == .add })
    }

    @Test func clampsJoin() throws {
        var net = NetworkBuilder(side: 8, seed: 5)
        var x = net.node(.relu, [net.convolution("photo", 6, kernel: 3)])
        x = net.node(.clip(low: -1, high: 4), [x])
        x = net.node(.clip(low: 5, high: 7), [x])  // does not meet 0…4: all becomes 5
        _ = net.linear(net.node(.globalAveragePool, [x]), 3)
        let fused = try OperatorFusion.fuse(FoldedGraph(folding: net.finished()))
        #expect(fused.steps.map(\.clamp) == [FusedStep.Clamp(low: 5, high: 5), nil, nil])
    }
}
