// ONNXReader: an ONNX file as a FloatGraph. The way of a file: its size is checked, protobuf decoded, versions looked
// at, weights and edges collected by name, dialects brought to one form (Dialects/), each node read (ONNXReader+Nodes),
// and the graph checked as a whole (FloatGraph.shapes). Nothing is guessed: an op, attribute or form that is not in the
// closed set is refused by name.

import Foundation
import SwiftProtobuf
import Tensors

extension FloatGraph {
    /// - Parameter data: an ONNX file with one input N × C × H × W (float, N free or any number) and one output N ×
    ///   classes. Nodes that do not lead to the output, and weights that no node uses, are left out.
    /// - Throws: `ONNXError`, or `GraphError` where the nodes are readable but do not fit together.
    package init(onnx data: Data) throws {
        try ONNXSizeCheck.check(data)
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        options.messageDepthLimit = 16
        let model: Onnx_ModelProto
        do {
            model = try Onnx_ModelProto(serializedBytes: data, options: options)
        } catch {
            throw ONNXError.notONNX(reason: "its protobuf is damaged")
        }
        self = try ONNXReader.read(model)
        _ = try shapes()
    }
}

struct ONNXReader {
    static let acceptedVersions = 3...99
    static let acceptedOpsets = 7...28

    /// Initializers by name, not yet looked into.
    let tensors: [String: Onnx_TensorProto]
    /// Filled as nodes ask for them.
    var weights: [String: FloatGraph.Weight] = [:]

    static func read(_ model: Onnx_ModelProto) throws(ONNXError) -> FloatGraph {
        try checkVersions(model)
        guard model.graph.node.count <= FloatGraph.Limit.nodes else {
            throw .tooLarge(what: "nodes", count: model.graph.node.count, limit: FloatGraph.Limit.nodes)
        }
        var tensors: [String: Onnx_TensorProto] = [:]
        for tensor in model.graph.initializer where tensors.updateValue(tensor, forKey: tensor.name) != nil {
            throw .badTensor(name: tensor.name, reason: "there are two of this name")
        }
        let input = try readInput(model.graph, tensors)
        var nodes = ONNXNodes(model.graph.node, tensors: tensors)
        guard model.graph.output.count == 1 else {
            throw .badGraph(reason: "\(model.graph.output.count) outputs; accepted: one, the logits N × C")
        }
        nodes.output = model.graph.output[0].name
        try nodes.checkNames(input: input.name)
        nodes.removeUnused()
        try nodes.removeIdentities()
        try nodes.joinPoolingAndFlatten()

        var reader = ONNXReader(tensors: tensors)
        var graphNodes: [FloatGraph.Node] = []
        for node in nodes.nodes { graphNodes.append(try reader.readNode(node)) }
        return FloatGraph(
            name: model.graph.name, input: input, nodes: graphNodes, output: nodes.output, weights: reader.weights,
            metadata: try readMetadata(model))
    }

    private static func checkVersions(_ model: Onnx_ModelProto) throws(ONNXError) {
        guard model.hasGraph, model.irVersion != 0 else { throw .notONNX(reason: "it has no graph or no IR version") }
        guard acceptedVersions.contains(Int(model.irVersion)) else {
            throw .unsupportedVersion(what: "IR version", version: Int(model.irVersion), accepted: acceptedVersions)
        }
        let opsets = model.opsetImport.filter { $0.domain.isEmpty || $0.domain == "ai.onnx" }
        guard opsets.count == 1 else {
            throw .badGraph(reason: "it names \(opsets.count) versions of ONNX's opset, not one")
        }
        guard acceptedOpsets.contains(Int(opsets[0].version)) else {
            throw .unsupportedVersion(what: "opset", version: Int(opsets[0].version), accepted: acceptedOpsets)
        }
    }

    private static func readInput(_ graph: Onnx_GraphProto, _ tensors: [String: Onnx_TensorProto]) throws(ONNXError)
        -> FloatGraph.Input
    {
        // Before IR version 4, weights were named among the inputs.
        let inputs = graph.input.filter { tensors[$0.name] == nil }
        guard inputs.count == 1 else {
            throw .badGraph(reason: "\(inputs.count) inputs; accepted: one image, N × C × H × W")
        }
        let tensor = inputs[0].type.tensorType
        guard tensor.elemType == .float else {
            throw .badGraph(reason: "input '\(inputs[0].name)' is not float32")
        }
        let sizes = tensor.shape.dim.map { $0.value }
        guard sizes.count == 4, case .dimValue(let channels) = sizes[1], case .dimValue(let height) = sizes[2],
            case .dimValue(let width) = sizes[3]
        else {
            throw .badGraph(
                reason:
                    "input '\(inputs[0].name)' needs the shape N × C × H × W with numbers for C, H and W; export with a fixed image size"
            )
        }
        return .init(name: inputs[0].name, channels: Int(channels), height: Int(height), width: Int(width))
    }

    private static func readMetadata(_ model: Onnx_ModelProto) throws(ONNXError) -> [String: String] {
        var metadata: [String: String] = [:]
        for entry in model.metadataProps where metadata.updateValue(entry.value, forKey: entry.key) != nil {
            throw .badGraph(reason: "metadata '\(entry.key)' stands there twice")
        }
        return metadata
    }

    /// The named initializer as floats; nil where there is none of that name.
    func tensor(_ name: String) throws(ONNXError) -> FloatGraph.Weight? {
        guard let tensor = tensors[name] else { return nil }
        func bad(_ reason: String) -> ONNXError { .badTensor(name: name, reason: reason) }
        guard tensor.dataType == .float else {
            throw bad("element type \(tensor.dataType.rawValue) is not read; accepted: float32 (1)")
        }
        guard tensor.dataLocation == .default else {
            throw bad("its values lie in another file; save the model as one file")
        }
        var count = 1
        for size in tensor.dims {
            let (product, overflow) = count.multipliedReportingOverflow(by: Int(size))
            guard size >= 1, !overflow else { throw bad("shape \(tensor.dims) is not a tensor's") }
            count = product
        }
        let values: [Float]
        if tensor.floatData.isEmpty {
            guard tensor.rawData.count % 4 == 0, tensor.rawData.count / 4 == count else {
                throw bad("\(tensor.rawData.count) bytes, its shape \(tensor.dims) needs 4 × \(count)")
            }
            values = [Float](littleEndian: tensor.rawData)
        } else {
            guard tensor.floatData.count == count, tensor.rawData.isEmpty else {
                throw bad("\(tensor.floatData.count) values, its shape \(tensor.dims) needs \(count)")
            }
            values = tensor.floatData
        }
        if let index = values.firstIndex(where: { !$0.isFinite }) { throw bad("value \(index) is \(values[index])") }
        return .init(shape: tensor.dims.map { Int($0) }, values: values)
    }
}
