// PhotoContract: labels, and how a photo becomes the network's input, as far as one source says it: an ONNX file's
// metadata, a JSON file (`tiny convert --contract`), options. Laid over each other (`overlaid`) they give a
// `ModelMetadata`. The JSON keys are those of `tiny.preprocessing`, and `labels`. Other tools' files are read by
// `PhotoContract+Foreign`.

import Foundation
import ModelGraph
import TinyRuntime

package struct PhotoContract: Sendable, Equatable {
    package var labels: [String]?
    package var resizeMode: ResizeMode?
    /// width, height; equal for `shortSide`.
    package var resize: [Int]?
    /// width, height: the network's input size.
    package var crop: [Int]?
    package var filter: ResizeFilter?
    /// R, G, B on the scale 0…255.
    package var mean: [Float]?
    package var standardDeviation: [Float]?
    package var decodeScaling: Bool?

    package init() {}

    package init(_ preprocessing: Preprocessing) {
        resizeMode = preprocessing.resizeMode
        resize = [preprocessing.resizeWidth, preprocessing.resizeHeight]
        crop = [preprocessing.cropWidth, preprocessing.cropHeight]
        filter = preprocessing.filter
        decodeScaling = preprocessing.decodeScaling
    }

    package init(_ metadata: ModelMetadata) {
        self.init(metadata.preprocessing)
        labels = metadata.labels.isEmpty ? nil : metadata.labels
        mean = metadata.mean
        standardDeviation = metadata.standardDeviation
    }

    /// What an ONNX file's metadata says: nothing, labels, preprocessing or both.
    /// - Throws: `MetadataError` where what is there is damaged.
    package init(properties: [String: String]) throws {
        let hasLabels = properties[ModelMetadata.labelsKey] != nil
        let hasPreprocessing = properties[ModelMetadata.preprocessingKey] != nil
        guard hasLabels || hasPreprocessing else { return }
        // The one reader there is wants both; a stand-in takes the place of what is missing and is dropped after.
        let standIn = ModelMetadata(
            labels: ["unnamed"],
            preprocessing: Preprocessing(
                resizeMode: .squash, resizeWidth: 1, resizeHeight: 1, cropWidth: 1, cropHeight: 1),
            mean: [0, 0, 0], standardDeviation: [1, 1, 1])
        let metadata = try ModelMetadata(properties: properties.merging(standIn.properties) { own, _ in own })
        if hasPreprocessing { self = PhotoContract(metadata) }
        labels = hasLabels ? metadata.labels : nil
    }

    /// This, with what `other` says instead where it says something.
    package func overlaid(by other: PhotoContract) -> PhotoContract {
        var result = self
        if let labels = other.labels { result.labels = labels }
        if let resizeMode = other.resizeMode { result.resizeMode = resizeMode }
        if let resize = other.resize { result.resize = resize }
        if let crop = other.crop { result.crop = crop }
        if let filter = other.filter { result.filter = filter }
        if let mean = other.mean { result.mean = mean }
        if let standardDeviation = other.standardDeviation { result.standardDeviation = standardDeviation }
        if let decodeScaling = other.decodeScaling { result.decodeScaling = decodeScaling }
        return result
    }

    package func className(_ index: Int) -> String {
        guard let labels, labels.indices.contains(index) else { return "class \(index)" }
        return labels[index]
    }

    /// In a person's words, a line a fact; what is not said is left out.
    package var lines: [String] {
        var lines: [String] = []
        if let resize, let resizeMode, let crop {
            let size =
                resizeMode == .squash ? "squashed to \(resize[0])×\(resize[1])" : "short side to \(resize[0])"
            lines.append(
                "photo    \(size)\(filter.map { " (\($0.name))" } ?? ""), centre \(crop[0])×\(crop[1]), RGB bytes"
                    + (decodeScaling == true ? ", JPEG decoded at n/8" : ""))
        }
        if let mean, let standardDeviation {
            func list(_ values: [Float]) -> String { values.map { "\($0)" }.joined(separator: ", ") }
            lines.append("pixels   (byte − mean) / std: mean \(list(mean)), std \(list(standardDeviation)) (R, G, B)")
        }
        if let labels {
            let shown = labels.prefix(5).map { $0.count > 40 ? "\($0.prefix(40))…" : $0 }.joined(separator: ", ")
            lines.append("labels   \(labels.count): \(shown)\(labels.count > 5 ? ", …" : "")")
        }
        return lines
    }
}

extension ResizeMode {
    package static let names: [String: ResizeMode] = ["squash": .squash, "short_side": .shortSide]
    package var name: String { self == .squash ? "squash" : "short_side" }
}

extension ResizeFilter {
    package static let names: [String: ResizeFilter] = ["bilinear": .bilinear, "bicubic": .bicubic]
    package var name: String { self == .bilinear ? "bilinear" : "bicubic" }
}

extension PhotoContract: Codable {
    package enum Key: String, CodingKey, CaseIterable {
        case labels
        case resizeMode = "resize_mode"
        case resize, crop, filter, mean
        case standardDeviation = "std"
        case decodeScaling = "decode_scaling"
    }

    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try object.encodeIfPresent(labels, forKey: .labels)
        try object.encodeIfPresent(resizeMode?.name, forKey: .resizeMode)
        try object.encodeIfPresent(resize, forKey: .resize)
        try object.encodeIfPresent(crop, forKey: .crop)
        try object.encodeIfPresent(filter?.name, forKey: .filter)
        try object.encodeIfPresent(mean, forKey: .mean)
        try object.encodeIfPresent(standardDeviation, forKey: .standardDeviation)
        try object.encodeIfPresent(decodeScaling, forKey: .decodeScaling)
    }

    package init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Key.self)
        func named<Value>(_ key: Key, _ names: [String: Value]) throws -> Value? {
            guard let name = try object.decodeIfPresent(String.self, forKey: key) else { return nil }
            guard let value = names[name] else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: object,
                    debugDescription:
                        "is '\(name)', accepted are \(names.keys.sorted().map { "'\($0)'" }.joined(separator: " and "))")
            }
            return value
        }
        labels = try object.decodeIfPresent([String].self, forKey: .labels)
        resizeMode = try named(.resizeMode, ResizeMode.names)
        resize = try object.decodeIfPresent([Int].self, forKey: .resize)
        crop = try object.decodeIfPresent([Int].self, forKey: .crop)
        filter = try named(.filter, ResizeFilter.names)
        mean = try object.decodeIfPresent([Float].self, forKey: .mean)
        standardDeviation = try object.decodeIfPresent([Float].self, forKey: .standardDeviation)
        decodeScaling = try object.decodeIfPresent(Bool.self, forKey: .decodeScaling)
    }
}

/// Why a contract's JSON was not taken: said with the key.
package struct PhotoContractError: Error, Equatable, CustomStringConvertible {
    package var description: String
    init(_ description: String) { self.description = description }
}

extension PhotoContract {
    /// The object of a contract file, or what `tiny inspect --json` prints, which holds one as `contract`; also timm's
    /// and Hugging Face's files (`PhotoContract+Foreign`).
    /// - Throws: `PhotoContractError`: a key that is unknown, out of range or of the wrong type, by name.
    package init(json data: Data) throws {
        guard let read = try? JSONSerialization.jsonObject(with: data), var object = read as? [String: Any] else {
            throw PhotoContractError(
                "it is not a JSON object with the keys \(Key.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        if let contract = object["contract"] as? [String: Any] { object = contract }
        if let foreign = try PhotoContract(foreign: object) {
            self = foreign
        } else {
            self = try Self.own(object)
        }
        try check()
    }

    private static func own(_ object: [String: Any]) throws -> PhotoContract {
        let known = Set(Key.allCases.map(\.rawValue))
        if let unknown = Set(object.keys).subtracting(known).min() {
            throw PhotoContractError(
                "'\(unknown)' is not known; accepted are \(Key.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        do {
            return try JSONDecoder().decode(
                PhotoContract.self, from: JSONSerialization.data(withJSONObject: object))
        } catch DecodingError.dataCorrupted(let context) where context.codingPath.count == 1 {
            throw PhotoContractError("'\(context.codingPath[0].stringValue)' \(context.debugDescription)")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context)
        {
            let place = context.codingPath.first.map { "'\($0.stringValue)'" } ?? "a number"
            throw PhotoContractError("\(place) has the wrong type or is out of range")
        }
    }

    /// What can be checked without the network; the rest is `MetadataOptions`'.
    private func check() throws {
        if let labels {
            guard (1...ModelMetadata.labelLimit).contains(labels.count) else {
                throw PhotoContractError(
                    "'labels' has \(labels.count) names, accepted are 1…\(ModelMetadata.labelLimit)")
            }
            var seen: Set<String> = []
            for (index, label) in labels.enumerated() {
                guard !label.isEmpty else { throw PhotoContractError("'labels': number \(index) is empty") }
                guard seen.insert(label).inserted else {
                    throw PhotoContractError("'labels': number \(index), '\(label)', stands there twice")
                }
            }
        }
        for (key, size) in [("resize", resize), ("crop", crop)] {
            guard let size else { continue }
            guard size.count == 2, size.allSatisfy((1...ModelMetadata.sideLimit).contains) else {
                throw PhotoContractError("'\(key)' is \(size), accepted are [width, height] in 1…\(ModelMetadata.sideLimit)")
            }
        }
        guard (resize == nil) == (resizeMode == nil) else {
            throw PhotoContractError(
                "'resize' and 'resize_mode' belong together: [256, 256] is the short side with 'short_side', the whole "
                    + "photo with 'squash'")
        }
        if let resize, resizeMode == .shortSide, resize[0] != resize[1] {
            throw PhotoContractError("'resize' is \(resize), for 'short_side' both numbers are the short side")
        }
        if let mean, mean.count != 3 || !mean.allSatisfy(\.isFinite) {
            throw PhotoContractError("'mean' is not three numbers")
        }
        if let standardDeviation,
            standardDeviation.count != 3 || !standardDeviation.allSatisfy({ $0.isFinite && $0 > 0 })
        {
            throw PhotoContractError("'std' is not three positive numbers")
        }
        if let hint = unitScaleHint { throw PhotoContractError(hint) }
    }

    /// Mean and deviation as most tools write them, of pixels from 0 to 1: here they would make every photo nearly the
    /// same grey, with no error anywhere. nil: they are not like that. (0 and 1 are taken as they are: raw bytes.)
    var unitScaleHint: String? {
        let mean = mean ?? [0, 0, 0]
        let deviation = standardDeviation ?? [1, 1, 1]
        guard mean.contains(where: { $0 != 0 }) || deviation.contains(where: { $0 != 1 }) else { return nil }
        let looksSo =
            mean.allSatisfy { (0...1).contains($0) }
            && deviation.allSatisfy { $0 <= 1 }
        guard looksSo, self.mean != nil || self.standardDeviation != nil else { return nil }
        func scaled(_ values: [Float]) -> String { values.map { String(format: "%g", Double($0) * 255) }.joined(separator: ",") }
        var hint = "mean and std look like those of pixels from 0 to 1, but here the scale is 0-255: multiply them by 255"
        if let mean = self.mean { hint += ", mean \(scaled(mean))" }
        if let standardDeviation { hint += ", std \(scaled(standardDeviation))" }
        return hint
    }
}
