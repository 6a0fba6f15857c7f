// GraphError: what makes a FloatGraph not a network, with the node, edge or weight where it was found.

package enum GraphError: Error, Equatable {
    /// Refused before memory is taken for it.
    case tooLarge(what: String, count: Int, limit: Int)
    case badInput(name: String, reason: String)
    case badNode(name: String, op: String, reason: String)
    case badWeight(name: String, reason: String)
    case badOutput(name: String, reason: String)
}

extension GraphError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLarge(let what, let count, let limit): "\(what): \(count), at most \(limit) are accepted"
        case .badInput(let name, let reason): "input '\(name)': \(reason)"
        case .badNode(let name, let op, let reason): "node '\(name)' (\(op)): \(reason)"
        case .badWeight(let name, let reason): "weight '\(name)': \(reason)"
        case .badOutput(let name, let reason): "output '\(name)': \(reason)"
        }
    }
}
