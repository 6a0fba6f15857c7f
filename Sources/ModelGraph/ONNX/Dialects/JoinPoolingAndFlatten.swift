// ONNX pools N × C × H × W to N × C × 1 × 1 and flattens that to N × C; in FloatGraph the pooling alone gives N × C.
// The pooled edge may go into any number of Flattens and nowhere else; the first one's output gives the edge its name.

extension ONNXNodes {
    mutating func joinPoolingAndFlatten() throws(ONNXError) {
        var poolings: [String: Int] = [:]
        for (index, node) in nodes.enumerated() where ["GlobalAveragePool", "GlobalMaxPool"].contains(node.opType) {
            if let edge = node.output.first { poolings[edge] = index }
        }
        if let index = poolings[output] { throw refusal(nodes[index], "its output N × C × 1 × 1 is the graph's") }

        var names: [String: String] = [:]  // what a Flatten made → what the pooling now makes
        var firsts: [String: String] = [:]  // what a pooling made → what it now makes
        var kept: [Onnx_NodeProto] = []
        for node in nodes {
            guard let edge = node.input.first(where: { poolings[$0] != nil }), let pooling = poolings[edge] else {
                kept.append(node)
                continue
            }
            guard node.opType == "Flatten" else {
                throw refusal(nodes[pooling], "its output goes into \(node.opType) '\(node.name)'")
            }
            var fields = try ONNXFields(node, accepted: "axis 1")
            let made = try fields.edges(inputs: 1...1).output
            try fields.requireInt("axis", 1)
            try fields.finish()
            names[made] = firsts[edge] ?? made
            if firsts[edge] == nil { firsts[edge] = made }
        }
        for index in kept.indices {
            kept[index].input = kept[index].input.map { names[$0] ?? $0 }
            if let edge = kept[index].output.first, poolings[edge] != nil, let name = firsts[edge] {
                kept[index].output = [name]
            }
        }
        nodes = kept
        output = names[output] ?? output
    }

    private func refusal(_ node: Onnx_NodeProto, _ reason: String) -> ONNXError {
        .unsupportedNode(
            op: node.opType, node: node.name, reason: reason,
            accepted: "\(node.opType) whose output goes into Flatten (axis 1) only")
    }
}
