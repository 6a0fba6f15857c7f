// ONNXSizeCheck: how much memory a file would take, found by walking its protobuf frames before anything is decoded. A
// message of two bytes becomes an object of a hundred, so a file of some megabytes could fill the memory; weights
// cannot, they stay the bytes they are. Only frames are looked at here (tag and length); whether the contents make
// sense is for the decoder and the reader.

import Foundation

enum ONNXSizeCheck {
    static let fileLimit = 1 << 30
    /// Everything but the weights' own bytes: nodes, names, labels.
    static let structureLimit = 4 << 20

    /// - Throws: `ONNXError.notONNX` or `.tooLarge`.
    static func check(_ data: Data) throws(ONNXError) {
        guard data.count <= fileLimit else {
            throw .tooLarge(what: "bytes of the file", count: data.count, limit: fileLimit)
        }
        guard !data.isEmpty else { throw .notONNX(reason: "it is empty") }
        var structure = 0
        do {
            structure = try data.withUnsafeBytes { bytes in try size(of: bytes, as: .model) }
        } catch let error as ONNXError {
            throw error
        } catch {
            throw .notONNX(reason: "\(error)")
        }
        guard structure <= structureLimit else {
            throw .tooLarge(what: "bytes besides the weights", count: structure, limit: structureLimit)
        }
    }

    /// The messages on the way to weights. Of other fields that onnx.proto knows all bytes count; what it does not know is
    /// skipped by the decoder (PyTorch writes megabytes of stack traces so), and counts nothing.
    private enum Message {
        case model, graph, node, attribute, tensor, function

        func inner(_ field: UInt64) -> Message? {
            switch (self, field) {
            case (.model, 7): .graph
            case (.model, 25): .function
            case (.graph, 1), (.function, 7): .node
            case (.graph, 5), (.attribute, 5): .tensor
            case (.node, 5), (.function, 11): .attribute
            default: nil
            }
        }

        func isKnown(_ field: UInt64) -> Bool {
            switch self {
            case .model: [1, 2, 3, 7, 8, 14, 25].contains(field)
            case .graph: [1, 2, 5, 11, 12].contains(field)
            case .node: [1, 2, 3, 4, 5, 7].contains(field)
            case .attribute: [1, 2, 3, 4, 5, 7, 8, 20, 21].contains(field)
            case .tensor: [1, 2, 4, 5, 7, 8, 9, 10, 11, 13, 14].contains(field)
            case .function: [1, 4, 5, 6, 7, 9, 10, 11].contains(field)
            }
        }

        /// Values that become at most four times the bytes that they are: raw_data, float_data, double_data, and
        /// int32_data, in which float16 stands. (Of int64_data, each byte may become eight.)
        func isBulk(_ field: UInt64) -> Bool { self == .tensor && [4, 5, 9, 10].contains(field) }
    }

    private static func size(of bytes: UnsafeRawBufferPointer, as message: Message) throws -> Int {
        var sum = 0
        var frames = Frames(bytes)
        var start = 0
        while let (field, contents) = try frames.next() {
            let count = frames.position - start
            start = frames.position
            guard message.isKnown(field) else { continue }
            if let contents, let inner = message.inner(field) {
                sum += count - contents.count + (try size(of: contents, as: inner))
            } else if contents == nil || !message.isBulk(field) {
                sum += count
            }
        }
        return sum
    }

    /// One message's fields, in file order.
    private struct Frames {
        private let bytes: UnsafeRawBufferPointer
        private(set) var position = 0

        init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

        /// - Returns: field number and, for length-delimited fields, their bytes; nil at the end.
        mutating func next() throws(ONNXError) -> (field: UInt64, bytes: UnsafeRawBufferPointer?)? {
            guard position < bytes.count else { return nil }
            let tag = try varint()
            switch tag & 7 {
            case 0: _ = try varint()
            case 1: try skip(8)
            case 2:
                let count = try varint()
                let start = position
                try skip(count)
                return (tag >> 3, UnsafeRawBufferPointer(rebasing: bytes[start..<position]))
            case 5: try skip(4)
            default: throw .notONNX(reason: "wire type \(tag & 7) in its protobuf")
            }
            return (tag >> 3, nil)
        }

        private mutating func skip(_ count: UInt64) throws(ONNXError) {
            guard count <= UInt64(bytes.count - position) else {
                throw .notONNX(reason: "it is cut off or damaged: a field is longer than what holds it")
            }
            position += Int(count)
        }

        private mutating func varint() throws(ONNXError) -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 64, by: 7) {
                guard position < bytes.count else { throw .notONNX(reason: "it is cut off inside a number") }
                let byte = bytes[position]
                position += 1
                value |= UInt64(byte & 0x7F) << shift
                if byte & 0x80 == 0 { return value }
            }
            throw .notONNX(reason: "a number of more than ten bytes in its protobuf")
        }
    }
}
