// ONNXReader: an ONNX file as a FloatGraph. The way of a file: its size is checked, protobuf decoded, versions looked
// at, the file's own functions put in place; then the nodes are walked in order. Each value is a constant or an edge of
// the network with the meaning of its axes (ONNXLayout): nodes whose inputs are constants are computed
// (ONNXReader+Constants), others become steps (ONNXReader+Nodes and its neighbours). Rewritings bring dialects to one
// form (Dialects/), and the graph is checked as a whole (FloatGraph.shapes). Nothing is guessed: an op, attribute or form
// that is not in the closed set is refused by name. What is accepted: docs/onnx.md.

import Foundation
import SwiftProtobuf
import Tensors

extension FloatGraph {
    /// - Parameter path: an ONNX file; weights in files of their own are looked for beside it.
    /// - Throws: `FileError` with the path, around what `init(onnx:)` throws.
    package init(onnxAt path: String) throws {
        let folder = (path as NSString).deletingLastPathComponent
        self = try FileContents.read(path) { try FloatGraph(onnx: $0, folder: folder) }
    }

    /// - Parameters:
    ///   - data: an ONNX file with one image as input, N × C × H × W or N × H × W × C (N free or any number), and one
    ///     output N × classes. Nodes that do not lead to the output, and weights that no node uses, are left out.
    ///   - folder: where external data may lie; nil: nowhere.
    /// - Throws: `ONNXError`, or `GraphError` where the nodes are readable but do not fit together.
    package init(onnx data: Data, folder: String? = nil) throws {
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
        self = try ONNXReader.read(model, folder: folder)
        _ = try shapes()
    }
}

struct ONNXReader {
    static let acceptedVersions = 3...99
    static let acceptedOpsets = 7...28

    var tensors: ONNXTensors
    /// Every edge of the file that is known so far.
    var values: [String: ONNXValue] = [:]
    var network: ReaderGraph
    /// The file's N; 1 where it is free.
    let batch: Int
    let opset: Int
    /// Edges that a node or the output reads.
    let read: Set<String>
    /// See `features`.
    var pooled: [Int: Int] = [:]
    /// Weights O × I × 1 × 1 that are read as O × I, by name.
    var matrices: [String: String] = [:]
    /// Edges that have been seen as N × C.
    var flat: Set<Int> = []
    /// Values that may still be computed or copied: a file may not make more of them than in proportion to its own.
    var budget: Int

    static func read(_ model: Onnx_ModelProto, folder: String?) throws -> FloatGraph {
        let opset = try checkVersions(model)
        try checkCount(model.graph.node.count)
        let tensors = try ONNXTensors(model.graph.initializer, folder: folder)
        guard model.graph.output.count == 1 else {
            throw ONNXError.badGraph(reason: "\(model.graph.output.count) outputs; accepted: one, the logits N × C")
        }
        let output = model.graph.output[0].name
        var nodes = try ONNXFunctions.inlined(model)
        try checkCount(nodes.count)
        name(&nodes)
        let source = try ONNXInput(model.graph, tensors, nodes)
        try checkNames(nodes, input: source.input.name, tensors)
        nodes = reachable(nodes, from: output)

        var reader = try ONNXReader(
            model, tensors: tensors, source: source, opset: opset, nodes: nodes, metadata: try readMetadata(model))
        for node in nodes { try reader.readNode(node) }
        try reader.finish(output: output)

        // In this order: padding is merged into windows while the functions between are as the file has them, hard
        // functions are made of single clips, and recognised before factors are merged.
        try reader.network.dropAnswers()
        try reader.network.mergePads()
        reader.network.joinClips()
        reader.network.joinHardFunctions()
        reader.network.joinSilu()
        reader.network.mergeAffines()
        return try reader.network.floatGraph()
    }

    private init(
        _ model: Onnx_ModelProto, tensors: ONNXTensors, source: ONNXInput, opset: Int, nodes: [Onnx_NodeProto],
        metadata: [String: String]
    ) throws {
        self.tensors = tensors
        self.opset = opset
        batch = source.batch
        read = Set(nodes.flatMap(\.input) + model.graph.output.map(\.name))
        budget = (1 << 22) + 8 * ONNXTensors.storedCount(model)
        let names = Set(nodes.flatMap { $0.output + [$0.name] } + Array(tensors.names) + [source.input.name])
        var graph = FloatGraph(
            name: model.graph.name, input: source.input, nodes: [], output: "", weights: [:], metadata: metadata)
        graph.notes = source.notes
        try graph.checkInput()
        network = ReaderGraph(graph, names: names)
        let image: [ImageAxis] =
            source.isChannelsLast ? [.batch, .row, .column, .channel] : [.batch, .channel, .row, .column]
        values[source.input.name] = .activation(
            .init(edge: 0, layout: image.map { present([$0], of: 0) }))
    }

    private static func checkCount(_ count: Int) throws {
        guard count <= FloatGraph.Limit.nodes else {
            throw ONNXError.tooLarge(what: "nodes", count: count, limit: FloatGraph.Limit.nodes)
        }
    }

    /// ONNX allows nodes without a name, and does not forbid two of one name; errors and reports need one each.
    private static func name(_ nodes: inout [Onnx_NodeProto]) {
        var names: Set<String> = []
        for index in nodes.indices {
            if nodes[index].name.isEmpty { nodes[index].name = "\(nodes[index].opType) #\(index)" }
            while !names.insert(nodes[index].name).inserted { nodes[index].name += " #\(index)" }
        }
    }

    /// Every edge is made once. (That it is made before it is used is seen when it is.)
    private static func checkNames(_ nodes: [Onnx_NodeProto], input: String, _ tensors: ONNXTensors) throws {
        var made: Set = [input]
        for node in nodes {
            for edge in node.output where !edge.isEmpty {
                guard !tensors.contains(edge), made.insert(edge).inserted else {
                    throw ONNXError.unsupportedNode(
                        op: node.opType, node: node.name, reason: "its output '\(edge)' is made elsewhere too",
                        accepted: "each edge made once")
                }
            }
        }
    }

    /// The nodes that lead to the output, in the file's order.
    private static func reachable(_ nodes: [Onnx_NodeProto], from output: String) -> [Onnx_NodeProto] {
        var makers: [String: Int] = [:]
        for (index, node) in nodes.enumerated() {
            for edge in node.output where !edge.isEmpty { makers[edge] = index }
        }
        var used = [Bool](repeating: false, count: nodes.count)
        var pending = [output]
        while let edge = pending.popLast() {
            guard let maker = makers[edge], !used[maker] else { continue }
            used[maker] = true
            pending += nodes[maker].input
        }
        return nodes.indices.filter { used[$0] }.map { nodes[$0] }
    }

    private mutating func finish(output: String) throws {
        guard case .activation(let answer) = values[output] else {
            throw GraphError.badOutput(name: output, reason: "no node makes it")
        }
        network.output = answer.edge
        if !network.isAnswer(answer.edge), isFeatures(answer) { network.output = try features(answer.edge) }
    }

    private static func checkVersions(_ model: Onnx_ModelProto) throws -> Int {
        guard model.hasGraph, model.irVersion != 0 else {
            throw ONNXError.notONNX(reason: "it has no graph or no IR version")
        }
        guard acceptedVersions.contains(Int(model.irVersion)) else {
            throw ONNXError.unsupportedVersion(
                what: "IR version", version: Int(model.irVersion), accepted: acceptedVersions)
        }
        let opsets = model.opsetImport.filter { $0.domain.isEmpty || $0.domain == "ai.onnx" }
        guard opsets.count == 1 else {
            throw ONNXError.badGraph(reason: "it names \(opsets.count) versions of ONNX's opset, not one")
        }
        guard acceptedOpsets.contains(Int(opsets[0].version)) else {
            throw ONNXError.unsupportedVersion(what: "opset", version: Int(opsets[0].version), accepted: acceptedOpsets)
        }
        return Int(opsets[0].version)
    }

    private static func readMetadata(_ model: Onnx_ModelProto) throws -> [String: String] {
        var metadata: [String: String] = [:]
        for entry in model.metadataProps where metadata.updateValue(entry.value, forKey: entry.key) != nil {
            throw ONNXError.badGraph(reason: "metadata '\(entry.key)' stands there twice")
        }
        return metadata
    }

    // MARK: For the nodes

    /// - Throws: `ONNXError.tooLarge` when the file has asked for more computed values than in proportion to its own.
    mutating func spend(_ count: Int, _ fields: ONNXFields) throws {
        guard count <= budget + 8 * tensors.externalCount else {
            throw fields.refusal("what it and the nodes before it compute is out of proportion to the file")
        }
        budget -= count
    }

    mutating func value(_ name: String, _ fields: ONNXFields) throws -> ONNXValue {
        if let value = values[name] { return value }
        if let constant = try tensors.constant(name) { return .constant(constant) }
        throw fields.refusal("its input '\(name)' is neither an initializer nor made by a node before it")
    }

    /// nil where the input is left out or empty.
    mutating func constant(_ inputs: [String], _ index: Int, _ fields: ONNXFields) throws -> ONNXConstant? {
        guard index < inputs.count, !inputs[index].isEmpty else { return nil }
        guard case .constant(let constant) = try value(inputs[index], fields) else {
            throw fields.refusal("'\(inputs[index])' is not a constant")
        }
        return constant
    }

    mutating func activation(_ name: String, _ fields: ONNXFields) throws -> ONNXActivation {
        guard case .activation(let activation) = try value(name, fields) else {
            throw fields.refusal("its input '\(name)' is a constant")
        }
        return activation
    }

    /// An image in the order N C H W; or pooled features seen as such, whose edge is [C].
    mutating func image(_ name: String, _ fields: ONNXFields) throws -> ONNXActivation {
        let value = try activation(name, fields)
        guard value.layout == imageLayout(of: value.edge) else {
            throw fields.refusal("its input '\(name)' is \(said(value)), not an image N × C × H × W")
        }
        return value
    }

    /// A step as the node's result.
    mutating func append(
        _ op: ReaderGraph.Operation, _ inputs: [Int], _ node: Onnx_NodeProto, layout: (ONNXReader, Int) -> ONNXLayout
    ) throws {
        let edge = try network.append(
            op, inputs, output: node.output[0], name: node.name, source: node.opType)
        set(node.output[0], .activation(.init(edge: edge, layout: layout(self, edge))))
    }

    /// A step before the node's own, with names made from the node's.
    mutating func appendBefore(_ suffix: String, _ op: ReaderGraph.Operation, _ inputs: [Int], _ node: Onnx_NodeProto)
        throws -> Int
    {
        try network.append(
            op, inputs, output: network.newName(node.output[0] + suffix), name: network.newName(node.name + suffix),
            source: node.opType)
    }

    /// The first time that an edge is seen as N × C, it takes that name: what pools and flattens is one node here.
    mutating func set(_ name: String, _ value: ONNXValue) {
        values[name] = value
        guard case .activation(let view) = value, network.edges[view.edge].shape.count == 1,
            view.layout == [[.batch], present([.channel], of: view.edge)], flat.insert(view.edge).inserted
        else { return }
        network.edges[view.edge].name = name
    }

    /// Puts a constant among the graph's weights, under its own name.
    ///
    /// - Throws: where it does not hold floats.
    mutating func weight(_ constant: ONNXConstant, _ fields: ONNXFields) throws -> String {
        if network.graph.weights[constant.name] != nil { return constant.name }
        guard case .floats(let values) = constant.values else {
            throw fields.refusal("its weight '\(constant.name)' holds integers")
        }
        return try addWeight(constant.name, constant.shape, values)
    }

    /// A weight that the reader computed.
    mutating func newWeight(_ name: String, _ shape: [Int], _ values: [Float]) throws -> String {
        try addWeight(network.newName(name), shape, values)
    }

    private mutating func addWeight(_ name: String, _ shape: [Int], _ values: [Float]) throws -> String {
        guard !values.isEmpty else { throw ONNXError.badTensor(name: name, reason: "shape \(shape) is not a tensor's") }
        if let index = values.firstIndex(where: { !$0.isFinite }) {
            throw ONNXError.badTensor(name: name, reason: "value \(index) is \(values[index])")
        }
        network.graph.weights[name] = .init(shape: shape, values: values)
        return name
    }
}
