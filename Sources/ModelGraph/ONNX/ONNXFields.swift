// ONNXFields: a node's edges and attributes, each asked for once. What was not asked for is refused in the end, because
// an attribute that is ignored silently is a wrong answer.

import Foundation

struct ONNXFields {
    private let node: Onnx_NodeProto
    private let accepted: String
    private var byName: [String: Onnx_AttributeProto] = [:]

    /// - Parameter accepted: said in every error.
    init(_ node: Onnx_NodeProto, accepted: String) throws(ONNXError) {
        self.node = node
        self.accepted = accepted
        for attribute in node.attribute {
            guard byName.updateValue(attribute, forKey: attribute.name) == nil else {
                throw refusal("attribute '\(attribute.name)' stands there twice")
            }
        }
    }

    /// The node's inputs and its one output; optional inputs left empty at the end do not count.
    ///
    /// - Parameter read: edges that somebody reads; further outputs that are not among them do not count either.
    func edges(inputs range: ClosedRange<Int>, ignoring read: Set<String>? = nil) throws(ONNXError)
        -> (inputs: [String], output: String)
    {
        var inputs = node.input
        while inputs.last == "" { inputs.removeLast() }
        guard range.contains(inputs.count) else { throw refusal("\(inputs.count) inputs") }
        guard let output = node.output.first, !output.isEmpty,
            node.output.dropFirst().allSatisfy({ $0.isEmpty || read?.contains($0) == false })
        else {
            throw refusal("\(node.output.filter { !$0.isEmpty }.count) outputs instead of one")
        }
        return (inputs, output)
    }

    mutating func int(_ name: String) throws(ONNXError) -> Int? {
        guard let attribute = try take(name, type: .int) else { return nil }
        return Int(attribute.i)
    }

    mutating func ints(_ name: String, count: Int) throws(ONNXError) -> [Int]? {
        guard let attribute = try take(name, type: .ints) else { return nil }
        guard attribute.ints.count == count else {
            throw refusal("\(name) has \(attribute.ints.count) numbers instead of \(count)")
        }
        return attribute.ints.map { Int($0) }
    }

    /// Any number of them.
    mutating func ints(_ name: String) throws(ONNXError) -> [Int]? {
        try take(name, type: .ints).map { $0.ints.map { Int($0) } }
    }

    mutating func floats(_ name: String) throws(ONNXError) -> [Float]? { try take(name, type: .floats)?.floats }

    mutating func tensor(_ name: String) throws(ONNXError) -> Onnx_TensorProto? { try take(name, type: .tensor)?.t }

    mutating func float(_ name: String) throws(ONNXError) -> Float? { try take(name, type: .float)?.f }

    mutating func string(_ name: String) throws(ONNXError) -> String? {
        try take(name, type: .string).map { String(decoding: $0.s, as: UTF8.self) }
    }

    /// Absent, or this value.
    mutating func requireInt(_ name: String, _ value: Int) throws(ONNXError) {
        if let found = try int(name), found != value { throw refusal("\(name) = \(found)") }
    }

    mutating func requireFloat(_ name: String, _ value: Float) throws(ONNXError) {
        if let found = try float(name), found != value { throw refusal("\(name) = \(found)") }
    }

    mutating func requireInts(_ name: String, _ value: Int, count: Int) throws(ONNXError) {
        if let found = try ints(name, count: count), found.contains(where: { $0 != value }) {
            throw refusal("\(name) = \(found)")
        }
    }

    /// Takes it without looking: it has no meaning at inference.
    mutating func ignore(_ name: String) { byName[name] = nil }

    /// - Throws: if an attribute is left that nobody asked for.
    func finish() throws(ONNXError) {
        if let name = byName.keys.min() { throw refusal("attribute '\(name)' is not read") }
    }

    func refusal(_ reason: String) -> ONNXError {
        .unsupportedNode(op: node.opType, node: node.name, reason: reason, accepted: accepted)
    }

    private mutating func take(_ name: String, type: Onnx_AttributeProto.AttributeType) throws(ONNXError)
        -> Onnx_AttributeProto?
    {
        guard let attribute = byName.removeValue(forKey: name) else { return nil }
        guard attribute.type == type else { throw refusal("attribute '\(name)' has the wrong type") }
        return attribute
    }
}
