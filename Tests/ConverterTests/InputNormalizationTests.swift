// A network that normalizes its photo itself: the same answers, with the normalization in mean and deviation.

import Converter
import ModelGraph
import Tensors
import TestSupport
import Testing
import TinyRuntime

struct InputNormalizationTests {
    /// photo → factor and offset → factor and offset → convolution → pool → linear.
    private func network(factor: [Float]) -> FloatGraph {
        var net = NetworkBuilder(side: 9, seed: 4)
        var x = net.batchNorm("photo")
        x = net.batchNorm(x)
        x = net.convolution(x, 7, kernel: 3, stride: 2)
        x = net.node(.globalAveragePool, [x])
        _ = net.linear(x, 5)
        var graph = net.finished()
        // The first one as a reader gives a product and a sum: mean 0, variance 1, epsilon 0.
        for (name, values) in [("s", factor), ("b", [-0.5, 0.25, 1]), ("m", [0, 0, 0]), ("v", [1, 1, 1])] {
            graph.weights[name] = .init(shape: [3], values: values)
        }
        graph.nodes[0].op = .batchNorm(scale: "s", shift: "b", mean: "m", variance: "v", epsilon: 0)
        return graph
    }

    private func answer(_ graph: FloatGraph, _ metadata: ModelMetadata, _ pixels: [UInt8]) throws -> [Float] {
        let backend = PlainBackend()
        let values = pixels.enumerated().map {
            (Float($1) - metadata.mean[$0 % 3]) / metadata.standardDeviation[$0 % 3]
        }
        return try FloatInterpreter(graph, backend: backend).run(
            backend.makeTensor(shape: [1, 9, 9, 3], values: values)
        ).array()
    }

    @Test func goesIntoMeanAndDeviation() throws {
        let graph = network(factor: [0.02, 3, 0.5])
        let metadata = try MetadataOptions().resolved(for: graph)
        let (folded, changed) = try InputNormalization.folded(graph, metadata)
        #expect(folded.nodes.map(\.name) == graph.nodes.dropFirst(2).map(\.name))
        #expect(folded.nodes[0].inputs == ["photo"])
        #expect(folded.notes.count == 1 && folded.notes[0].contains("'node0', 'node1'"), "\(folded.notes)")
        var random = SeededGenerator(state: 5)
        let pixels = (0..<243).map { _ in UInt8.random(in: 0...255, using: &random) }
        let expected = try answer(graph, metadata, pixels)
        // Outside the image stands zero after the normalization, before and after.
        let got = try answer(folded, changed, pixels)
        #expect(mismatch(got, expected, absolute: 1e-4, relative: 1e-4) == nil)
    }

    @Test func leavesWhatIsNotTheOnlyReaderOrNotPositive() throws {
        let metadata = try MetadataOptions().resolved(for: network(factor: [1, 1, 1]))
        let negative = network(factor: [1, -1, 1])
        #expect(try InputNormalization.folded(negative, metadata).0 == negative)
        var shared = network(factor: [1, 1, 1])
        shared.nodes[1].inputs = ["photo"]
        shared.nodes[0].output = "unused"
        #expect(try InputNormalization.folded(shared, metadata).0 == shared)
    }
}
