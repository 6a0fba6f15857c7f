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
        var bulk = 0
        do {
            bulk = try data.withUnsafeBytes { bytes in try bulkBytes(Frames(bytes)) }
        } catch let error as ONNXError {
            throw error
        } catch {
            throw .notONNX(reason: "\(error)")
        }
        guard data.count - bulk <= structureLimit else {
            throw .tooLarge(what: "bytes besides the weights", count: data.count - bulk, limit: structureLimit)
        }
    }

    /// Sum of the weights' raw bytes: ModelProto.graph (7) → GraphProto.initializer (5) → raw_data (9) or float_data
    /// (4).
    private static func bulkBytes(_ model: Frames) throws -> Int {
        var sum = 0
        var model = model
        while let (field, graphBytes) = try model.next() {
            guard field == 7, let graphBytes else { continue }
            var graph = Frames(graphBytes)
            while let (field, tensorBytes) = try graph.next() {
                guard field == 5, let tensorBytes else { continue }
                var tensor = Frames(tensorBytes)
                while let (field, values) = try tensor.next() {
                    if field == 9 || field == 4, let values { sum += values.count }
                }
            }
        }
        return sum
    }

    /// One message's fields, in file order.
    private struct Frames {
        private let bytes: UnsafeRawBufferPointer
        private var position = 0

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
