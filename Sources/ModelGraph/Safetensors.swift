// Safetensors: named tensors in one file: u64 header length, JSON header, bytes. Reads F32 and F16 (widened), writes F32 or F16.
// Format: https://github.com/huggingface/safetensors (README, "Format"). Refused: holes, overlaps, wrong lengths, unknown types.

import Foundation

package enum SafetensorsError: Error, Equatable {
    /// The file's beginning is not a safetensors header.
    case badHeader(String)
    /// What is wrong with the named tensor.
    case badTensor(name: String, reason: String)
}

extension SafetensorsError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .badHeader(let reason): "not a safetensors file: \(reason)"
        case .badTensor(let name, let reason): "tensor '\(name)': \(reason)"
        }
    }
}

package struct Safetensors: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var shape: [Int]
        package var values: [Float]
        package init(shape: [Int], values: [Float]) {
            self.shape = shape
            self.values = values
        }
    }

    package enum ElementType: String, Sendable { case float32 = "F32", float16 = "F16" }

    package var entries: [String: Entry]
    package var metadata: [String: String]

    package init(entries: [String: Entry], metadata: [String: String] = [:]) {
        self.entries = entries
        self.metadata = metadata
    }

    /// Largest JSON header taken, as in the reference implementation.
    package static let headerLimit = 100_000_000


    package init(data: Data) throws {
        guard data.count >= 8 else { throw SafetensorsError.badHeader("\(data.count) bytes only") }
        let headerBytes = data.prefix(8).enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << (8 * UInt64($1.offset)) }
        guard headerBytes <= UInt64(Self.headerLimit), headerBytes <= UInt64(data.count - 8) else {
            throw SafetensorsError.badHeader("a header of \(headerBytes) bytes in a file of \(data.count)")
        }
        let start = data.startIndex + 8 + Int(headerBytes)
        let bodyCount = data.endIndex - start
        let header: [String: Any]
        do {
            guard
                let object = try JSONSerialization.jsonObject(with: data[(data.startIndex + 8)..<start]) as? [String: Any]
            else { throw SafetensorsError.badHeader("the header is not a JSON object") }
            header = object
        } catch let error as SafetensorsError {
            throw error
        } catch {
            throw SafetensorsError.badHeader("the header is not JSON")
        }
        metadata = (header["__metadata__"] as? [String: String]) ?? [:]
        var spans: [(name: String, type: ElementType, shape: [Int], begin: Int, end: Int)] = []
        for (name, value) in header where name != "__metadata__" {
            guard let fields = value as? [String: Any], let typeName = fields["dtype"] as? String,
                let shape = fields["shape"] as? [Int], let offsets = fields["data_offsets"] as? [Int], offsets.count == 2
            else { throw SafetensorsError.badTensor(name: name, reason: "dtype, shape or data_offsets is missing") }
            guard let type = ElementType(rawValue: typeName) else {
                throw SafetensorsError.badTensor(name: name, reason: "type \(typeName); F32 and F16 are read")
            }
            var bytes = type == .float32 ? 4 : 2
            for size in shape {
                let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
                guard size >= 0, !overflow else {
                    throw SafetensorsError.badTensor(name: name, reason: "shape \(shape) is not a tensor's")
                }
                bytes = product
            }
            guard offsets[0] >= 0, offsets[1] <= bodyCount, offsets[0] <= offsets[1], offsets[1] - offsets[0] == bytes else {
                throw SafetensorsError.badTensor(
                    name: name, reason: "offsets \(offsets) do not hold \(bytes) bytes of shape \(shape) in \(bodyCount)")
            }
            spans.append((name, type, shape, offsets[0], offsets[1]))
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
        guard position == bodyCount else {
            throw SafetensorsError.badHeader("\(bodyCount - position) bytes belong to no tensor")
        }
        entries = [:]
        for span in spans {
            let values: [Float] = data.withUnsafeBytes { raw in
                let base = start - data.startIndex + span.begin
                switch span.type {
                case .float32:
                    return (0..<(span.end - span.begin) / 4).map {
                        Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: base + 4 * $0, as: UInt32.self)))
                    }
                case .float16:
                    return (0..<(span.end - span.begin) / 2).map {
                        Float(
                            Float16(
                                bitPattern: UInt16(
                                    littleEndian: raw.loadUnaligned(fromByteOffset: base + 2 * $0, as: UInt16.self))))
                    }
                }
            }
            entries[span.name] = Entry(shape: span.shape, values: values)
        }
    }

    /// The file's bytes: names sorted, so that equal contents give equal bytes.
    package func data(as type: ElementType = .float32) throws -> Data {
        var header: [String: Any] = [:]
        if !metadata.isEmpty { header["__metadata__"] = metadata }
        var body = Data()
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
            precondition(
                entry.shape.reduce(1, *) == entry.values.count, "\(name): \(entry.values.count) values for \(entry.shape)")
            let begin = body.count
            switch type {
            case .float32:
                let words = entry.values.map { $0.bitPattern.littleEndian }
                words.withUnsafeBytes { body.append(contentsOf: $0) }
            case .float16:
                let words = entry.values.map { Float16($0).bitPattern.littleEndian }
                words.withUnsafeBytes { body.append(contentsOf: $0) }
            }
            header[name] = ["dtype": type.rawValue, "shape": entry.shape, "data_offsets": [begin, body.count]] as [String: Any]
        }
        var json = try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys])
        json.append(contentsOf: [UInt8](repeating: 0x20, count: (8 - json.count % 8) % 8))
        var file = Data()
        withUnsafeBytes(of: UInt64(json.count).littleEndian) { file.append(contentsOf: $0) }
        file.append(json)
        file.append(body)
        return file
    }
}
