// Safetensors: named tensors in one file: u64 header length, JSON header, bytes. Reads F32, and F16, BF16 and I64
// (counters of foreign checkpoints) as Float; writes F32 or F16. Format: https://github.com/huggingface/safetensors
// (README, "Format"). Refused: holes, overlaps, wrong lengths, unknown types. Of two entries of one name a JSON reader
// keeps one, so that the other's bytes become a hole. Values are not looked at on reading: who needs finite ones asks
// `requireFinite`.

import Foundation

package enum SafetensorsError: Error, Equatable {
    /// The file's beginning is not a safetensors header, or the header does not cover the file.
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

    /// How values are written.
    package enum ElementType: String, Sendable { case float32 = "F32", float16 = "F16" }

    package var entries: [String: Entry]
    package var metadata: [String: String]

    package init(entries: [String: Entry], metadata: [String: String] = [:]) {
        self.entries = entries
        self.metadata = metadata
    }

    /// Largest JSON header taken: a network's is some tens of KB, and JSON takes many times its length in memory.
    package static let headerLimit = 8 << 20

    /// - Throws: `SafetensorsError`. Nothing is taken for values before the header agrees with the file's length.
    package init(data: Data) throws {
        let header = try SafetensorsHeader(data: data)
        metadata = header.metadata
        entries = [:]
        entries.reserveCapacity(header.spans.count)
        for span in header.spans {
            let bytes = data[(header.bodyStart + span.begin)..<(header.bodyStart + span.end)]
            entries[span.name] = Entry(shape: span.shape, values: span.type.values(bytes))
        }
    }

    /// - Throws: `SafetensorsError.badTensor` for the first tensor, by name, that holds an infinity or NaN.
    package func requireFinite() throws {
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
            if let index = entry.values.firstIndex(where: { !$0.isFinite }) {
                throw SafetensorsError.badTensor(name: name, reason: "value \(index) is \(entry.values[index])")
            }
        }
    }

    /// The file's bytes: names sorted, so that equal contents give equal bytes.
    ///
    /// - Throws: `SafetensorsError.badTensor` if a finite value does not fit into float16.
    package func data(as type: ElementType = .float32) throws -> Data {
        var header: [String: SafetensorsHeader.Item] = [:]
        var begin = 0
        let sorted = entries.sorted { $0.key < $1.key }
        for (name, entry) in sorted {
            precondition(
                entry.shape.reduce(1, *) == entry.values.count,
                "\(name): \(entry.values.count) values for \(entry.shape)")
            let end = begin + entry.values.count * (type == .float32 ? 4 : 2)
            header[name] = .tensor(.init(dtype: type.rawValue, shape: entry.shape, data_offsets: [begin, end]))
            begin = end
        }
        if !metadata.isEmpty { header[SafetensorsHeader.metadataKey] = .metadata(metadata) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var json = try encoder.encode(header)
        json.append(contentsOf: [UInt8](repeating: 0x20, count: (8 - json.count % 8) % 8))
        var file = Data(capacity: 8 + json.count + begin)
        withUnsafeBytes(of: UInt64(json.count).littleEndian) { file.append(contentsOf: $0) }
        file.append(json)
        for (name, entry) in sorted {
            switch type {
            case .float32: file.append(entry.values.littleEndianBytes)
            case .float16:
                // From halfway between the largest float16 and the next power of two on, rounding gives infinity.
                if let index = entry.values.firstIndex(where: { $0.isFinite && abs($0) >= 65520 }) {
                    throw SafetensorsError.badTensor(
                        name: name, reason: "value \(index), \(entry.values[index]), does not fit into float16")
                }
                let words = entry.values.map { Float16($0).bitPattern.littleEndian }
                words.withUnsafeBytes { file.append(contentsOf: $0) }
            }
        }
        return file
    }
}
