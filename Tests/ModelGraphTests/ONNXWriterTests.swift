// The writer: what it writes reads back equal, equal graphs give equal bytes, and the bytes are those of
// Goldens/written.onnx, which tools/goldens/onnx_models.py checks with onnx.checker and ONNX Runtime.
// `TINY_WRITE_GOLDENS=1 swift test …` writes that file anew.

import Foundation
import ModelGraph
import Tensors
import TestSupport
import Testing

struct ONNXWriterTests {
    @Test(arguments: ["every-op", "attributes"])
    func readsBackEqual(name: String) throws {
        let graph = try ONNXFiles.graph(name)
        let data = try graph.onnxData()
        #expect(try FloatGraph(onnx: data) == graph)
        #expect(try graph.onnxData() == data)
    }

    @Test func bytesAreTheCheckedOnes() throws {
        let data = try ONNXFiles.graph("every-op").onnxData()
        let file = ONNXFiles.folder.appendingPathComponent("written.onnx")
        if ProcessInfo.processInfo.environment["TINY_WRITE_GOLDENS"] != nil { try data.write(to: file) }
        #expect(try Data(contentsOf: file) == data)
    }

    /// The ops that came for networks from elsewhere. ONNX Runtime's values of these bytes: FloatInterpreterTests.
    @Test func foreignOpsAreTheCheckedBytes() throws {
        let data = try ForeignOps.graph.onnxData()
        let file = ONNXFiles.folder.appendingPathComponent("written-foreign.onnx")
        if ProcessInfo.processInfo.environment["TINY_WRITE_GOLDENS"] != nil { try data.write(to: file) }
        #expect(try Data(contentsOf: file) == data)
    }

    @Test func madeUpNamesAvoidTakenOnes() throws {
        // Edges and weights that are called as the writer would call its own.
        var graph = FloatGraph(
            name: "", input: .init(name: "y/pooled", channels: 1, height: 2, width: 2),
            nodes: [
                .init(name: "c", op: .clip(low: -1, high: 2), inputs: ["y/pooled"], output: "c/min"),
                .init(name: "p", op: .globalMaxPool, inputs: ["c/min"], output: "y"),
                .init(name: "p/flatten", op: .linear(weight: "c/max", bias: nil), inputs: ["y"], output: "z"),
            ],
            output: "z", weights: ["c/max": .init(shape: [1, 1], values: [3])])
        let read = try FloatGraph(onnx: graph.onnxData())
        graph.name = "graph"  // ONNX demands a name
        #expect(read == graph)
    }

    @Test func refusesAGraphThatDoesNotFit() throws {
        var graph = try ONNXFiles.graph("every-op")
        graph.weights["conv.b"] = .init(shape: [9], values: [Float](repeating: 0, count: 9))
        #expect(
            throws: GraphError.badNode(
                name: "n_conv", op: "convolution", reason: "weight 'conv.b' of shape 9, it takes 8")
        ) {
            try graph.onnxData()
        }
        graph.weights["conv.b"] = .init(shape: [8], values: [0])
        #expect(throws: GraphError.badWeight(name: "conv.b", reason: "1 values, its shape is 8")) {
            try graph.onnxData()
        }
        graph.weights["conv.b"] = .init(shape: [8], values: [Float](repeating: .infinity, count: 8))
        #expect(throws: GraphError.badWeight(name: "conv.b", reason: "value 0 is inf")) { try graph.onnxData() }
    }
}
