// ONNXNodes: a file's nodes on their way to one form. Each file beside this one is a rewriting that removes one way of
// saying a thing that FloatGraph says otherwise; the reader runs them in a fixed order. A new dialect is a new file
// here and a line in ONNXReader.read.

struct ONNXNodes {
    var nodes: [Onnx_NodeProto]
    /// The graph's output edge, which a rewriting may rename.
    var output = ""
    let tensors: [String: Onnx_TensorProto]

    init(_ nodes: [Onnx_NodeProto], tensors: [String: Onnx_TensorProto]) {
        self.nodes = nodes
        self.tensors = tensors
        // ONNX allows nodes without a name; errors need one.
        for index in nodes.indices where nodes[index].name.isEmpty {
            self.nodes[index].name = "\(nodes[index].opType) #\(index)"
        }
    }

    /// Every edge is made once. (That it is made before it is used, FloatGraph.shapes checks.)
    func checkNames(input: String) throws(ONNXError) {
        var made: Set = [input]
        for node in nodes {
            for edge in node.output where !edge.isEmpty {
                guard tensors[edge] == nil, made.insert(edge).inserted else {
                    throw .unsupportedNode(
                        op: node.opType, node: node.name, reason: "its output '\(edge)' is made elsewhere too",
                        accepted: "each edge made once")
                }
            }
        }
    }

    /// Leaves out nodes that do not lead to the output. Nodes that are out of order stay as far as they are reached.
    mutating func removeUnused() {
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
        nodes = nodes.indices.filter { used[$0] }.map { nodes[$0] }
    }

    /// Removes the nodes that `isRemoved` says (index), and uses their first input wherever their first output was
    /// used.
    mutating func bypass(_ isRemoved: (Int) throws(ONNXError) -> Bool) throws(ONNXError) {
        var sources: [String: String] = [:]
        var kept: [Onnx_NodeProto] = []
        for index in nodes.indices {
            var node = nodes[index]
            node.input = node.input.map { sources[$0] ?? $0 }
            if try isRemoved(index), let source = node.input.first, let edge = node.output.first {
                sources[edge] = source
            } else {
                kept.append(node)
            }
        }
        nodes = kept
        output = sources[output] ?? output
    }
}
