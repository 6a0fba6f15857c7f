// The reader and the interpreter together against ONNX Runtime, edge by edge (goldens: tools/goldens/onnx_models.py),
// on both backends.

import Converter
import Foundation
import ModelGraph
import Tensors
import TestSupport
import Testing

struct FloatInterpreterTests {
    static let backends: [any Backend] = [PlainBackend(), FastBackend(threads: 2)]
    static let goldens = Golden.repository.appendingPathComponent("Tests/ModelGraphTests/Goldens")

    private func load(_ name: String) throws -> (graph: FloatGraph, values: [String: Safetensors.Entry]) {
        (
            try FloatGraph(onnx: Data(contentsOf: Self.goldens.appendingPathComponent(name + ".onnx"))),
            try Safetensors(data: Data(contentsOf: Self.goldens.appendingPathComponent(name + ".safetensors"))).entries
        )
    }

    // Sums of up to 72 products in another order: 1e-4 is a hundred times their rounding.
    @Test(arguments: ["every-op", "attributes"], backends.indices)
    func everyEdgeIsONNXRuntimes(name: String, backend: Int) throws {
        let (graph, golden) = try load(name)
        let backend = Self.backends[backend]
        let interpreter = try FloatInterpreter(graph, backend: backend)
        let x = try #require(golden["x"]).imageTensor(on: backend)
        var seen: [String] = []
        let answer = interpreter.run(x) { edge, value in
            seen.append(edge)
            let (shape, values) = value.asONNX
            #expect(shape == golden[edge]?.shape, "\(edge)")
            let difference = mismatch(values, golden[edge]?.values ?? [], absolute: 1e-4, relative: 1e-4)
            #expect(difference == nil, "\(edge)")
        }
        #expect(seen == ["x"] + graph.nodes.map(\.output))
        #expect(mismatch(answer.array(), golden[graph.output]?.values ?? [], absolute: 1e-4, relative: 1e-4) == nil)
        // With batch norms and activations joined.
        let fused = interpreter.run(x)
        #expect(mismatch(fused.array(), golden[graph.output]?.values ?? [], absolute: 1e-4, relative: 1e-4) == nil)
    }

    /// The graph as the writer writes it, by ONNX Runtime; the interpreter runs the graph itself.
    @Test(arguments: backends.indices) func foreignOpsAreONNXRuntimes(backend: Int) throws {
        let golden = try Safetensors(
            data: Data(contentsOf: Self.goldens.appendingPathComponent("written-foreign.safetensors"))
        ).entries
        let backend = Self.backends[backend]
        let interpreter = try FloatInterpreter(ForeignOps.graph, backend: backend)
        _ = interpreter.run(try #require(golden["x"]).imageTensor(on: backend)) { edge, value in
            let (shape, values) = value.asONNX
            #expect(shape == golden[edge]?.shape, "\(edge)")
            #expect(mismatch(values, golden[edge]?.values ?? [], absolute: 1e-5, relative: 1e-4) == nil, "\(edge)")
        }
    }

    @Test func edgesAreFreedAfterTheirLastUse() throws {
        // conv → relu → relu → …: each edge's storage is gone when the step after its reader runs.
        var graph = FloatGraph(
            name: "chain", input: .init(name: "x", channels: 2, height: 3, width: 3), nodes: [], output: "y",
            weights: [:])
        var edge = "x"
        for index in 0..<6 {
            graph.nodes.append(.init(name: "n\(index)", op: .relu, inputs: [edge], output: "e\(index)"))
            edge = "e\(index)"
        }
        graph.nodes.append(.init(name: "pool", op: .globalAveragePool, inputs: [edge], output: "y"))
        let backend = PlainBackend()
        let watched = Watched()
        _ = try FloatInterpreter(graph, backend: backend).run(backend.makeTensor(shape: [1, 3, 3, 2], repeating: 1)) {
            _, tensor in
            watched.alive.append(WeakStorage(storage: tensor.storage))
            #expect(watched.alive.dropFirst().filter { $0.storage != nil }.count <= 2)
        }
        #expect(watched.alive.count == 8)
    }

    @Test func refusesAnIncompleteGraph() throws {
        var (graph, _) = try load("attributes")
        graph.weights["fc.w"] = nil
        #expect(throws: GraphError.badNode(name: "n_y", op: "linear", reason: "its weight 'fc.w' is missing")) {
            try FloatInterpreter(graph, backend: PlainBackend())
        }
    }
}

private final class Watched {
    var alive: [WeakStorage] = []
}

private struct WeakStorage {
    weak var storage: (any TensorStorage)?
}

extension Safetensors.Entry {
    /// N C H W → N H W C.
    func imageTensor(on backend: any Backend) -> Tensor {
        let (n, c, pixels) = (shape[0], shape[1], shape[2] * shape[3])
        var result = [Float](repeating: 0, count: values.count)
        for image in 0..<n {
            for channel in 0..<c {
                for pixel in 0..<pixels {
                    result[(image * pixels + pixel) * c + channel] = values[(image * c + channel) * pixels + pixel]
                }
            }
        }
        return backend.makeTensor(shape: [n, shape[2], shape[3], c], values: result)
    }
}

extension Tensor {
    /// N H W C → N C H W; features as they are.
    var asONNX: (shape: [Int], values: [Float]) {
        guard shape.count == 4 else { return (shape, array()) }
        let (n, pixels, c) = (shape[0], shape[1] * shape[2], shape[3])
        let values = array()
        var result = [Float](repeating: 0, count: values.count)
        for image in 0..<n {
            for channel in 0..<c {
                for pixel in 0..<pixels {
                    result[(image * c + channel) * pixels + pixel] = values[(image * pixels + pixel) * c + channel]
                }
            }
        }
        return ([n, c, shape[1], shape[2]], result)
    }
}
