// ONNXFunctions: operators that the file defines itself (PyTorch's dynamo exporter leaves some), put in place of their
// calls. A function may call others; how often and how deep is limited by the number of nodes that a network may have.

enum ONNXFunctions {
    private static let depthLimit = 16
    /// Of a name in a function, in bytes: each call makes new ones of it.
    private static let nameLimit = 512

    /// The graph's nodes, calls of the model's functions replaced by what they stand for.
    static func inlined(_ model: Onnx_ModelProto) throws -> [Onnx_NodeProto] {
        guard !model.functions.isEmpty else { return model.graph.node }
        var functions: [String: Onnx_FunctionProto] = [:]
        for function in model.functions
        where functions.updateValue(function, forKey: function.domain + "." + function.name) != nil {
            throw ONNXError.badGraph(reason: "function '\(function.domain).\(function.name)' stands there twice")
        }
        var result: [Onnx_NodeProto] = []
        var calls = 0
        for node in model.graph.node { try append(node, to: &result, functions, &calls, depth: 0) }
        return result
    }

    private static func append(
        _ node: Onnx_NodeProto, to result: inout [Onnx_NodeProto], _ functions: [String: Onnx_FunctionProto],
        _ calls: inout Int, depth: Int
    ) throws {
        guard let function = functions[node.domain + "." + node.opType] else {
            guard result.count < FloatGraph.Limit.nodes else {
                throw ONNXError.tooLarge(what: "nodes", count: result.count + 1, limit: FloatGraph.Limit.nodes)
            }
            return result.append(node)
        }
        func refusal(_ reason: String) -> ONNXError {
            .unsupportedNode(
                op: "\(node.domain).\(node.opType)", node: node.name, reason: reason,
                accepted:
                    "a function of the file that does not call itself, with as many inputs and outputs as it states")
        }
        calls += 1
        guard depth < depthLimit, calls <= FloatGraph.Limit.nodes else {
            throw refusal("functions call each other too deep or too often")
        }
        guard node.input.count <= function.input.count, node.output.count <= function.output.count else {
            throw refusal("\(node.input.count) inputs and \(node.output.count) outputs")
        }
        for inner in function.node + [node] {
            guard ([inner.name] + inner.input + inner.output).allSatisfy({ $0.utf8.count <= nameLimit }) else {
                throw refusal("a name in it has more than \(nameLimit) bytes")
            }
        }
        let prefix = "\(node.name.isEmpty ? node.opType : node.name) #\(calls)/"
        var edges: [String: String] = ["": ""]
        for (index, name) in function.input.enumerated() {
            edges[name] = index < node.input.count ? node.input[index] : ""
        }
        for (index, name) in function.output.enumerated() where index < node.output.count && !node.output[index].isEmpty
        {
            edges[name] = node.output[index]
        }
        var attributes = Dictionary(function.attributeProto.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
        for attribute in node.attribute { attributes[attribute.name] = attribute }
        for var inner in function.node {
            inner.name = prefix + (inner.name.isEmpty ? inner.opType : inner.name)
            inner.input = inner.input.map { edges[$0] ?? prefix + $0 }
            inner.output = inner.output.map { edges[$0] ?? prefix + $0 }
            inner.attribute = inner.attribute.compactMap { attribute in
                guard !attribute.refAttrName.isEmpty else { return attribute }
                guard var given = attributes[attribute.refAttrName] else { return nil }  // then the operator's default holds
                given.name = attribute.name
                return given
            }
            try append(inner, to: &result, functions, &calls, depth: depth + 1)
        }
    }
}
