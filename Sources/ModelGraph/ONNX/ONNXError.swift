// ONNXError: what an ONNX file holds that is not read, with the node or tensor where it was found and what is accepted
// in its place. What is read but does not form a network is a GraphError.

package enum ONNXError: Error, Equatable {
    /// The bytes are not an ONNX model.
    case notONNX(reason: String)
    /// Refused before memory is taken for it.
    case tooLarge(what: String, count: Int, limit: Int)
    case unsupportedVersion(what: String, version: Int, accepted: ClosedRange<Int>)
    /// The op is not in the closed set.
    case unsupportedOp(op: String, node: String)
    /// The op is, but not in this form.
    case unsupportedNode(op: String, node: String, reason: String, accepted: String)
    case badTensor(name: String, reason: String)
    /// The graph's input, output or names.
    case badGraph(reason: String)
}

extension ONNXError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notONNX(let reason): "not an ONNX model: \(reason)"
        case .tooLarge(let what, let count, let limit): "\(what): \(count), at most \(limit) are accepted"
        case .unsupportedVersion(let what, let version, let accepted):
            "\(what) \(version) is not read; accepted are \(accepted.lowerBound)…\(accepted.upperBound), export with opset 17"
        case .unsupportedOp(let op, let node):
            "node '\(node)': \(op) is not read; accepted are \(ONNXReader.acceptedOps.joined(separator: ", "))"
        case .unsupportedNode(let op, let node, let reason, let accepted):
            "node '\(node)' (\(op)): \(reason); accepted: \(accepted)"
        case .badTensor(let name, let reason): "tensor '\(name)': \(reason)"
        case .badGraph(let reason): "graph: \(reason)"
        }
    }
}
