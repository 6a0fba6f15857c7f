// ModelMetadata as ONNX properties and back. `tiny.labels` is a JSON array of strings; `tiny.preprocessing` is the JSON
// object below. Strict: a key that is missing, unknown or out of range is an error that names it, because a wrong
// contract gives wrong answers silently.

import Foundation
import TinyRuntime

package enum MetadataError: Error, Equatable {
    /// The file carries no such property; it must come from elsewhere (command-line options).
    case missing(key: String)
    case bad(key: String, reason: String)
}

extension MetadataError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missing(let key): "the model's metadata has no '\(key)'"
        case .bad(let key, let reason): "the model's metadata '\(key)': \(reason)"
        }
    }
}

extension ModelMetadata {
    /// The object behind `tiny.preprocessing`. Sizes are [width, height]; mean and std are R, G, B on the scale 0…255.
    private struct Contract: Codable {
        var resize_mode: String  // "squash" or "short_side"
        var resize: [Int]
        var crop: [Int]
        var filter: String  // "bilinear" or "bicubic"
        var mean: [Float]
        var std: [Float]
        var decode_scaling: Bool

        static let keys: Set = ["resize_mode", "resize", "crop", "filter", "mean", "std", "decode_scaling"]
    }

    private static let modes: [String: ResizeMode] = ["squash": .squash, "short_side": .shortSide]
    private static let filters: [String: ResizeFilter] = ["bilinear": .bilinear, "bicubic": .bicubic]
    package static let sideLimit = 8192
    package static let labelLimit = 65536

    /// - Parameter properties: a graph's `metadata`; keys that are not ours are ignored.
    /// - Throws: `MetadataError`.
    package init(properties: [String: String]) throws {
        self.init(labels: [], preprocessing: try Self.readPreprocessing(properties), mean: [], standardDeviation: [])
        labels = try Self.readLabels(properties)
        (mean, standardDeviation) = try Self.readNormalization(properties)
    }

    /// To be merged into a graph's `metadata`. Equal values give equal text.
    package var properties: [String: String] {
        func name<Value: Equatable>(_ value: Value, in table: [String: Value]) -> String {
            table.first { $0.value == value }?.key ?? ""
        }
        let contract = Contract(
            resize_mode: name(preprocessing.resizeMode, in: Self.modes),
            resize: [preprocessing.resizeWidth, preprocessing.resizeHeight],
            crop: [preprocessing.cropWidth, preprocessing.cropHeight],
            filter: name(preprocessing.filter, in: Self.filters),
            mean: mean, std: standardDeviation, decode_scaling: preprocessing.decodeScaling)
        return [Self.labelsKey: Self.json(labels), Self.preprocessingKey: Self.json(contract)]
    }

    private static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings, finite numbers and booleans always encode; an infinite mean would not, and is refused when read
        // back.
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private static func readLabels(_ properties: [String: String]) throws -> [String] {
        guard let text = properties[labelsKey] else { throw MetadataError.missing(key: labelsKey) }
        guard let labels = try? JSONDecoder().decode([String].self, from: Data(text.utf8)) else {
            throw MetadataError.bad(key: labelsKey, reason: "it is not a JSON array of strings")
        }
        guard (1...labelLimit).contains(labels.count) else {
            throw MetadataError.bad(key: labelsKey, reason: "\(labels.count) labels, accepted are 1…\(labelLimit)")
        }
        var seen: Set<String> = []
        for (index, label) in labels.enumerated() {
            guard !label.isEmpty else { throw MetadataError.bad(key: labelsKey, reason: "label \(index) is empty") }
            guard seen.insert(label).inserted else {
                throw MetadataError.bad(key: labelsKey, reason: "label \(index), '\(label)', stands there twice")
            }
        }
        return labels
    }

    private static func readContract(_ properties: [String: String]) throws -> Contract {
        guard let text = properties[preprocessingKey] else { throw MetadataError.missing(key: preprocessingKey) }
        func bad(_ reason: String) -> MetadataError { .bad(key: preprocessingKey, reason: reason) }
        let data = Data(text.utf8)
        guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
            throw bad("it is not a JSON object")
        }
        if let missing = Contract.keys.subtracting(object.keys).min() { throw bad("'\(missing)' is missing") }
        if let unknown = Set(object.keys).subtracting(Contract.keys).min() { throw bad("'\(unknown)' is not known") }
        do {
            return try JSONDecoder().decode(Contract.self, from: data)
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context)
        {
            let place = context.codingPath.first.map { "'\($0.stringValue)'" } ?? "a number"
            throw bad("\(place) has the wrong type or is out of range")
        }
    }

    private static func readPreprocessing(_ properties: [String: String]) throws -> Preprocessing {
        let contract = try readContract(properties)
        func bad(_ reason: String) -> MetadataError { .bad(key: preprocessingKey, reason: reason) }
        guard let mode = modes[contract.resize_mode] else {
            throw bad("'resize_mode' is '\(contract.resize_mode)', accepted are 'squash' and 'short_side'")
        }
        guard let filter = filters[contract.filter] else {
            throw bad("'filter' is '\(contract.filter)', accepted are 'bilinear' and 'bicubic'")
        }
        for (key, size) in [("resize", contract.resize), ("crop", contract.crop)] {
            guard size.count == 2, size.allSatisfy({ (1...sideLimit).contains($0) }) else {
                throw bad("'\(key)' is \(size), accepted are [width, height] in 1…\(sideLimit)")
            }
        }
        guard mode == .squash || contract.resize[0] == contract.resize[1] else {
            throw bad("'resize' is \(contract.resize), for 'short_side' both numbers are the short side")
        }
        guard contract.crop[0] <= contract.resize[0], contract.crop[1] <= contract.resize[1] else {
            throw bad("'crop' \(contract.crop) is larger than 'resize' \(contract.resize)")
        }
        return Preprocessing(
            resizeMode: mode, filter: filter, decodeScaling: contract.decode_scaling,
            resizeWidth: contract.resize[0], resizeHeight: contract.resize[1],
            cropWidth: contract.crop[0], cropHeight: contract.crop[1])
    }

    private static func readNormalization(_ properties: [String: String]) throws -> (mean: [Float], deviation: [Float])
    {
        let contract = try readContract(properties)
        guard contract.mean.count == 3, contract.mean.allSatisfy(\.isFinite) else {
            throw MetadataError.bad(key: preprocessingKey, reason: "'mean' is not three numbers")
        }
        guard contract.std.count == 3, contract.std.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw MetadataError.bad(key: preprocessingKey, reason: "'std' is not three positive numbers")
        }
        return (contract.mean, contract.std)
    }
}
