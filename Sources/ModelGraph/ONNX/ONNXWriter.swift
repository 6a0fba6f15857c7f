// ONNXWriter: a FloatGraph as an ONNX file (opset 17, IR version 8) that onnx.checker passes and ONNX Runtime runs.
// Equal graphs give equal bytes: weights stand in the order of their first use, metadata by key, and nothing of the
// machine or the time is written.

import Foundation
import SwiftProtobuf
import Tensors

extension FloatGraph {
    /// - Throws: `GraphError` if the graph is not complete and consistent.
    package func onnxData() throws -> Data {
        let shapes = try shapes()
        var writer = ONNXWriter(self, shapes: shapes)
        return try writer.model(self, classes: shapes[output]?[0] ?? 0).serializedData()
    }
}

private struct ONNXWriter {
    static let opset: Int64 = 17
    static let irVersion: Int64 = 8

    private var graph = Onnx_GraphProto()
    /// Names in use: edges, weights and, so that made-up names are new everywhere, nodes.
    private var names: Set<String>
    private var written: Set<String> = []
    private let shapes: [String: [Int]]

    init(_ source: FloatGraph, shapes: [String: [Int]]) {
        self.shapes = shapes
        names = Set(source.weights.keys)
        names.insert(source.input.name)
        for node in source.nodes {
            names.insert(node.name)
            names.insert(node.output)
        }
    }

    mutating func model(_ source: FloatGraph, classes: Int) -> Onnx_ModelProto {
        graph.name = source.name.isEmpty ? "graph" : source.name  // ONNX demands one
        graph.input = [
            .image(source.input.name, sizes: [source.input.channels, source.input.height, source.input.width])
        ]
        graph.output = [.image(source.output, sizes: [classes])]
        for node in source.nodes {
            for name in node.op.weights { write(name, source.weights[name]) }
            write(node)
        }
        var model = Onnx_ModelProto()
        model.irVersion = Self.irVersion
        model.producerName = "tiny"
        model.opsetImport = [.with { $0.version = Self.opset }]
        model.metadataProps = source.metadata.sorted { $0.key < $1.key }.map { entry in
            .with {
                $0.key = entry.key
                $0.value = entry.value
            }
        }
        model.graph = graph
        return model
    }

    private mutating func write(_ name: String, _ weight: FloatGraph.Weight?) {
        guard let weight, written.insert(name).inserted else { return }
        graph.initializer.append(
            .with {
                $0.name = name
                $0.dims = weight.shape.map { Int64($0) }
                $0.dataType = .float
                $0.rawData = weight.values.littleEndianBytes
            })
    }

    private mutating func write(_ node: FloatGraph.Node) {
        switch node.op {
        case .convolution(_, _, let window, let groups):
            var attributes = window.attributes
            attributes.append(.ints("dilations", [1, 1]))
            attributes.append(.int("group", groups))
            append(node, "Conv", attributes)
        case .batchNorm(_, _, _, _, let epsilon): append(node, "BatchNormalization", [.float("epsilon", epsilon)])
        case .linear: append(node, "Gemm", [.int("transB", 1)])
        case .relu: append(node, "Relu")
        case .clip(let low, let high):
            let lowName = bound(node.name + "/min", low)
            let highName = bound(node.name + "/max", high)
            append(
                node, "Clip", extraInputs: highName.isEmpty ? (lowName.isEmpty ? [] : [lowName]) : [lowName, highName])
        case .sigmoid: append(node, "Sigmoid")
        case .elu: append(node, "Elu", [.float("alpha", 1)])
        case .add: append(node, "Add")
        case .hardSigmoid(let alpha, let beta):
            append(node, "HardSigmoid", [.float("alpha", alpha), .float("beta", beta)])
        case .hardSwish: append(node, "HardSwish")
        case .silu: appendSilu(node)
        case .leakyRelu(let slope): append(node, "LeakyRelu", [.float("alpha", slope)])
        case .multiply: appendProduct(node, rank: shapes[node.inputs[1]]?.count, of: shapes[node.inputs[0]]?.count)
        case .concat: append(node, "Concat", [.int("axis", 1)])
        case .globalAveragePool: appendPooling(node, "GlobalAveragePool")
        case .globalMaxPool: appendPooling(node, "GlobalMaxPool")
        case .maxPool(let window): append(node, "MaxPool", window.attributes)
        case .averagePool(let window, let countsPadding):
            append(node, "AveragePool", window.attributes + [.int("count_include_pad", countsPadding ? 1 : 0)])
        }
    }

    /// x · sigmoid(x), two nodes: ONNX has none for it before opset 24.
    private mutating func appendSilu(_ node: FloatGraph.Node) {
        let gate = newName(node.output + "/sigmoid")
        append(
            .init(name: newName(node.name + "/sigmoid"), op: node.op, inputs: node.inputs, output: gate), "Sigmoid")
        append(.init(name: node.name, op: node.op, inputs: node.inputs + [gate], output: node.output), "Mul")
    }

    /// Features that multiply an image become N × C × 1 × 1 first.
    private mutating func appendProduct(_ node: FloatGraph.Node, rank: Int?, of imageRank: Int?) {
        guard rank == 1, imageRank == 3 else { return append(node, "Mul") }
        let axes = newName(node.name + "/axes")
        graph.initializer.append(
            .with {
                $0.name = axes
                $0.dims = [2]
                $0.dataType = .init(rawValue: 7) ?? .undefined  // int64
                $0.rawData = Data([2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0])
            })
        let factors = newName(node.inputs[1] + "/factors")
        append(
            .init(name: newName(node.name + "/unsqueeze"), op: node.op, inputs: [node.inputs[1]], output: factors),
            "Unsqueeze", extraInputs: [axes])
        append(
            .init(name: node.name, op: node.op, inputs: [node.inputs[0], factors], output: node.output), "Mul")
    }

    /// Pooling and Flatten: two nodes for one.
    private mutating func appendPooling(_ node: FloatGraph.Node, _ opType: String) {
        let pooled = newName(node.output + "/pooled")
        append(.init(name: node.name, op: node.op, inputs: node.inputs, output: pooled), opType)
        append(
            .init(name: newName(node.name + "/flatten"), op: node.op, inputs: [pooled], output: node.output), "Flatten",
            [.int("axis", 1)])
    }

    private mutating func append(
        _ node: FloatGraph.Node, _ opType: String, _ attributes: [Onnx_AttributeProto] = [], extraInputs: [String] = []
    ) {
        graph.node.append(
            .with {
                $0.name = node.name
                $0.opType = opType
                $0.input = node.inputs + node.op.weights + extraInputs
                $0.output = [node.output]
                $0.attribute = attributes
            })
    }

    /// - Returns: the name of a new scalar, or "" where the bound does not bind.
    private mutating func bound(_ name: String, _ value: Float) -> String {
        guard abs(value) < .greatestFiniteMagnitude else { return "" }
        let name = newName(name)
        write(name, .init(shape: [], values: [value]))
        return name
    }

    private mutating func newName(_ wanted: String) -> String {
        var name = wanted
        while !names.insert(name).inserted { name += "_" }
        return name
    }
}

extension Window {
    fileprivate var attributes: [Onnx_AttributeProto] {
        [
            .ints("kernel_shape", [kernelHeight, kernelWidth]), .ints("strides", [strideHeight, strideWidth]),
            .ints("pads", [padTop, padLeft, padBottom, padRight]),
        ]
    }
}

extension Onnx_AttributeProto {
    fileprivate static func int(_ name: String, _ value: Int) -> Self {
        .with {
            $0.name = name
            $0.type = .int
            $0.i = Int64(value)
        }
    }

    fileprivate static func ints(_ name: String, _ values: [Int]) -> Self {
        .with {
            $0.name = name
            $0.type = .ints
            $0.ints = values.map { Int64($0) }
        }
    }

    fileprivate static func float(_ name: String, _ value: Float) -> Self {
        .with {
            $0.name = name
            $0.type = .float
            $0.f = value
        }
    }
}

extension Onnx_ValueInfoProto {
    /// N × sizes, float32.
    fileprivate static func image(_ name: String, sizes: [Int]) -> Self {
        .with {
            $0.name = name
            $0.type.tensorType.elemType = .float
            $0.type.tensorType.shape.dim =
                [.with { $0.dimParam = "N" }] + sizes.map { size in .with { $0.dimValue = Int64(size) } }
        }
    }
}
