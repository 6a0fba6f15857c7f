// Networks in the ONNX dialects that people have (PyTorch's two exporters over opsets 9 to 24, graphs as tf2onnx writes
// them, old opsets, external data, float16) against ONNX Runtime's logits. Goldens: tools/goldens/onnx_dialects.py.

import Converter
import Foundation
import ModelGraph
import Tensors
import TestSupport
import Testing

struct ONNXDialectTests {
    static let folder = FloatInterpreterTests.goldens.appendingPathComponent("dialects")
    static let names = [
        "torchscript-9", "torchscript-11", "torchscript-13", "torchscript-17", "torchscript-flatten", "dynamo-18",
        "dynamo-24", "tensorflow-13", "tensorflow-flatten-16", "old-7", "pieces-24", "external-data", "float16",
    ]

    // Sums in another order: 1e-4 of the largest logit is what `tiny infer` promises.
    @Test(arguments: names)
    func logitsAreONNXRuntimes(name: String) throws {
        let graph = try FloatGraph(onnxAt: Self.folder.appendingPathComponent(name + ".onnx").path)
        let golden = try Safetensors(data: Data(contentsOf: Self.folder.appendingPathComponent(name + ".safetensors")))
            .entries
        let (x, y) = (try #require(golden["x"]), try #require(golden["y"]))
        let largest = y.values.map(abs).max() ?? 0
        for backend in FloatInterpreterTests.backends {
            let answer = try FloatInterpreter(graph, backend: backend).run(x.imageTensor(on: backend))
            #expect(answer.shape == y.shape)
            #expect(mismatch(answer.array(), y.values, absolute: 1e-4 * largest, relative: 0) == nil, "\(backend)")
        }
        // What was read can be written, and is the same network then.
        let again = try FloatGraph(onnx: graph.onnxData())
        #expect(again.nodes.map(\.op) == graph.nodes.map(\.op))
    }

    @Test func everyFileIsTested() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).filter {
            $0.hasSuffix(".onnx")
        }
        #expect(Set(files) == Set(Self.names.map { $0 + ".onnx" }))
    }
}
