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

    private static func ops(_ graph: FloatGraph) -> [String] { graph.nodes.map(\.op.name) }

    @Test func joinsFunctionsInPieces() throws {
        let graph = try ONNXFiles.graph("dialects/pieces-24")
        #expect(
            Self.ops(graph) == [
                "convolution", "hardSwish", "convolution", "hardSwish", "convolution", "hardSwish", "convolution",
                "hardSwish",
                "convolution", "silu", "batchNorm", "leakyRelu", "averagePool", "globalAveragePool", "globalMaxPool",
                "concat",
                "linear",
            ])
        #expect(graph.nodes[11].op == .leakyRelu(slope: 0.3))  // the call's, not the function's
        #expect(graph.notes == [])
    }

    @Test func readsTensorFlowsOrderOfAxes() throws {
        let graph = try ONNXFiles.graph("dialects/tensorflow-13")
        #expect(graph.input == .init(name: "x", channels: 3, height: 33, width: 31))
        #expect(
            Self.ops(graph) == [
                "batchNorm", "convolution", "batchNorm", "clip", "convolution", "hardSwish", "globalAveragePool",
                "linear",
                "relu", "linear", "sigmoid", "multiply", "convolution", "batchNorm", "concat", "globalAveragePool",
                "linear",
                "batchNorm",
            ])
        #expect(graph.nodes[3].op == .clip(low: 0, high: 6))
        guard case .convolution(_, _, let window, _) = graph.nodes[1].op else {
            Issue.record("\(graph.nodes[1].op)")
            return
        }
        // Pad and VALID.
        #expect([window.padTop, window.padLeft, window.padBottom, window.padRight] == [0, 0, 1, 1])
        #expect(graph.notes.count == 2)
        #expect(graph.notes[0].hasPrefix("the file's input is N × H × W × C"))
        #expect(graph.notes[1].hasPrefix("the final Softmax ("))
    }

    @Test func readsOldForms() throws {
        // A node without a name has one here.
        let graph = try ONNXFiles.graph("dialects/old-7")
        #expect(Set(graph.nodes.map(\.name)).count == graph.nodes.count)
        #expect(
            Self.ops(graph) == [
                "convolution", "batchNorm", "relu", "maxPool", "averagePool", "batchNorm", "sigmoid", "add", "add",
                "batchNorm",
                "hardSigmoid", "globalAveragePool", "linear", "leakyRelu", "linear", "clip",
            ])
        #expect(graph.nodes.last?.op == .clip(low: -0.9, high: .greatestFiniteMagnitude))
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
