// SafetensorsHeader: where each tensor of a safetensors file lies, completely checked against the file's length.

import Foundation

struct SafetensorsHeader {
    static let metadataKey = "__metadata__"

    /// One entry of the JSON object. Field names are the format's.
    enum Item: Codable {
        struct Tensor: Codable {
            var dtype: String
            var shape: [Int]
            var data_offsets: [Int]
        }
        case tensor(Tensor)
        case metadata([String: String])

        init(from decoder: any Decoder) throws {
            if decoder.codingPath.last?.stringValue == SafetensorsHeader.metadataKey {
                self = .metadata(try [String: String](from: decoder))
            } else {
                self = .tensor(try Tensor(from: decoder))
            }
        }

        func encode(to encoder: any Encoder) throws {
            switch self {
            case .tensor(let tensor): try tensor.encode(to: encoder)
            case .metadata(let metadata): try metadata.encode(to: encoder)
            }
        }
    }

    /// What is read, and how its bytes become floats.
    enum StoredType: String {
        case float32 = "F32"
        case float16 = "F16"
        case bfloat16 = "BF16"
        case int64 = "I64"

        var bytes: Int {
            switch self {
            case .float32: 4
            case .float16, .bfloat16: 2
            case .int64: 8
            }
        }

        /// - Parameter data: whole values, little-endian, of any alignment.
        func values(_ data: Data) -> [Float] {
            switch self {
            case .float32: [Float](littleEndian: data)
            case .float16: words(data, of: UInt16.self) { Float(Float16(bitPattern: $0)) }
            case .bfloat16: words(data, of: UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
            case .int64: words(data, of: UInt64.self) { Float(Int64(bitPattern: $0)) }
            }
        }

        private func words<Word: FixedWidthInteger & BitwiseCopyable>(
            _ data: Data, of: Word.Type, _ value: (Word) -> Float
        )
            -> [Float]
        {
            data.withUnsafeBytes { bytes in
                stride(from: 0, to: bytes.count, by: MemoryLayout<Word>.size).map {
                    value(Word(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: Word.self)))
                }
            }
        }
    }

    /// Offsets are from `bodyStart`.
    struct Span {
        var name: String
        var type: StoredType
        var shape: [Int]
        var begin: Int
        var end: Int
    }

    var metadata: [String: String] = [:]
    /// In the order of their bytes.
    var spans: [Span] = []
    /// An index of the file's data.
    let bodyStart: Int

    init(data: Data) throws {
        guard data.count >= 8 else { throw SafetensorsError.badHeader("\(data.count) bytes only") }
        let length = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(Safetensors.headerLimit), length <= UInt64(data.count - 8) else {
            throw SafetensorsError.badHeader("a header of \(length) bytes in a file of \(data.count)")
        }
        bodyStart = data.startIndex + 8 + Int(length)
        let bodyBytes = data.endIndex - bodyStart
        for (name, item) in try Self.items(data[(data.startIndex + 8)..<bodyStart]) {
            switch item {
            case .metadata(let metadata): self.metadata = metadata
            case .tensor(let tensor): spans.append(try Self.span(name, tensor, bodyBytes: bodyBytes))
            }
        }
        spans.sort { ($0.begin, $0.end, $0.name) < ($1.begin, $1.end, $1.name) }
        var position = 0
        for span in spans {
            guard span.begin == position else {
                throw SafetensorsError.badTensor(
                    name: span.name, reason: "begins at \(span.begin), the one before it ends at \(position)")
            }
            position = span.end
        }
        guard position == bodyBytes else {
            throw SafetensorsError.badHeader("\(bodyBytes - position) bytes belong to no tensor")
        }
    }

    private static func items(_ json: Data) throws -> [String: Item] {
        guard json.first == UInt8(ascii: "{") else {
            throw SafetensorsError.badHeader("the header is not a JSON object")
        }
        do {
            return try JSONDecoder().decode([String: Item].self, from: json)
        } catch DecodingError.keyNotFound(let key, let context) {
            throw SafetensorsError.badTensor(
                name: context.codingPath.first?.stringValue ?? "", reason: "\(key.stringValue) is missing")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            let path = context.codingPath.map(\.stringValue)
            throw SafetensorsError.badTensor(
                name: path.first ?? "", reason: "\(path.dropFirst().first ?? "its entry") has the wrong type")
        } catch {
            throw SafetensorsError.badHeader("the header is not JSON, or a number in it is out of range")
        }
    }

    private static func span(_ name: String, _ tensor: Item.Tensor, bodyBytes: Int) throws -> Span {
        func bad(_ reason: String) -> SafetensorsError { .badTensor(name: name, reason: reason) }
        guard let type = StoredType(rawValue: tensor.dtype) else {
            throw bad("type \(tensor.dtype) is not read; accepted are F32, F16, BF16 and I64")
        }
        var bytes = type.bytes
        for size in tensor.shape {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
            guard size >= 0, !overflow else { throw bad("shape \(tensor.shape) is not a tensor's") }
            bytes = product
        }
        let offsets = tensor.data_offsets
        guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= bodyBytes,
            offsets[1] - offsets[0] == bytes
        else { throw bad("offsets \(offsets) do not hold the \(bytes) bytes of shape \(tensor.shape) in \(bodyBytes)") }
        return Span(name: name, type: type, shape: tensor.shape, begin: offsets[0], end: offsets[1])
    }
}
