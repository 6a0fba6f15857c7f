// What the reader makes of files from another writer (Python's onnx): nodes, shapes, weights, metadata. Their numbers
// are compared with ONNX Runtime's in ConverterTests, where the interpreter is.

import ModelGraph
import Tensors
import TestSupport
import Testing

struct ONNXReaderTests {
    @Test func readsEveryOp() throws {
        let graph = try ONNXFiles.graph("every-op")
        #expect(graph.name == "small")
        #expect(graph.input == .init(name: "x", channels: 3, height: 15, width: 18))
        #expect(graph.output == "logits")
        #expect(graph.metadata == ["b.key": "two", "a.key": "one", "tiny.labels": #"["ü"]"#])
        // Identity, Dropout, Flatten and what does not lead to the output are gone; an edge's second Flatten reads the
        // first's.
        #expect(
            graph.nodes.map(\.output) == [
                "conv", "bn", "relu6", "depthwise", "depthwise_bn", "relu", "pointwise", "sum", "pooled", "gate",
                "gated",
                "joined", "average", "most", "average_bn", "features", "hidden", "hidden_bn", "elu", "below_six",
                "above_zero", "product", "logits",
            ])
        let nodes = Dictionary(uniqueKeysWithValues: graph.nodes.map { ($0.output, $0) })
        #expect(
            nodes["conv"]
                == .init(
                    name: "n_conv",
                    op: .convolution(
                        weight: "conv.w", bias: "conv.b",
                        window: Window(
                            kernelHeight: 3, kernelWidth: 3, strideHeight: 2, strideWidth: 2, padTop: 0, padBottom: 1,
                            padLeft: 1,
                            padRight: 2),
                        groups: 1),
                    inputs: ["x"], output: "conv"))
        #expect(
            nodes["depthwise"]?.op
                == .convolution(
                    weight: "depthwise.w", bias: nil,
                    window: Window(
                        kernelHeight: 3, kernelWidth: 5, strideHeight: 1, strideWidth: 1, padTop: 1, padBottom: 1,
                        padLeft: 2,
                        padRight: 2),
                    groups: 8))
        #expect(
            nodes["pooled"]?.op
                == .maxPool(
                    window: Window(
                        kernelHeight: 3, kernelWidth: 2, strideHeight: 2, strideWidth: 1, padTop: 1, padBottom: 1,
                        padLeft: 0,
                        padRight: 1)))
        #expect(nodes["pooled"]?.inputs == ["sum"])
        #expect(
            nodes["bn"]?.op
                == .batchNorm(
                    scale: "bn.scale", shift: "bn.shift", mean: "bn.mean", variance: "bn.variance", epsilon: 1e-3))
        #expect(nodes["relu6"]?.op == .clip(low: 0, high: 6))
        #expect(nodes["below_six"]?.op == .clip(low: -.greatestFiniteMagnitude, high: 6))
        #expect(nodes["above_zero"]?.op == .clip(low: 0, high: .greatestFiniteMagnitude))
        #expect(nodes["features"]?.inputs == ["average_bn", "most", "most"])
        #expect(nodes["hidden"]?.inputs == ["features"])
        #expect(nodes["hidden"]?.op == .linear(weight: "hidden.w", bias: nil))
        #expect(nodes["logits"]?.op == .linear(weight: "head.w", bias: "head.b"))
        #expect(graph.weights["hidden.w"]?.shape == [10, 72])
        #expect(graph.weights["zero"] == nil)
    }

    @Test func shapesAreONNXRuntimes() throws {
        // The goldens are N × …; the graph's are without N.
        let golden = try Golden.load("every-op")
        let shapes = try ONNXFiles.graph("every-op").shapes()
        #expect(shapes.count == golden.count)
        for (edge, entry) in golden { #expect(shapes[edge] == Array(entry.shape.dropFirst()), "\(edge)") }
    }

    @Test func readsAnOlderOpset() throws {
        let graph = try ONNXFiles.graph("attributes")
        #expect(graph.input == .init(name: "x", channels: 3, height: 4, width: 6))
        #expect(graph.nodes.map(\.op.name) == ["convolution", "clip", "globalAveragePool", "linear"])
        #expect(graph.nodes[1].op == .clip(low: -0.5, high: 0.5))
        #expect(graph.nodes[2].output == "flat")
        #expect(graph.weights["conv.w"]?.values.count == 12)
    }
}
