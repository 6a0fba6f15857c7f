// PretrainedWeights: a safetensors file whose tensors are put into a network by name and shape. What the file's
// training took for granted (padding, batch norm's epsilon, the scale of pixels) stands in its metadata and must go
// into the NetworkConfiguration before the network is made: `apply(to:)`.

import Foundation
import ModelGraph
import Tensors

package enum PretrainedWeightsError: Error, Equatable {
    /// A value of the metadata is not what its key promises.
    case badMetadata(key: String, value: String)
    /// Not one tensor has a name and shape of the network.
    case nothingFits
}

extension PretrainedWeightsError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .badMetadata(let key, let value): "metadata '\(key)' is '\(value)', which is not understood"
        case .nothingFits:
            "no tensor has a name and shape of this network; names must be torchvision's (features.0.0.weight, …)"
        }
    }
}

package struct PretrainedWeights {
    package let file: Safetensors
    /// Nil where the file does not say.
    package let padding: PaddingStyle?
    package let batchNormEpsilon: Float?
    package let imageSize: Int?
    package let width: Float?
    /// Of R, G, B, on the scale 0…255.
    package let mean: [Float]?
    package let standardDeviation: [Float]?
    /// Where the weights come from and under which licence, for the user to read.
    package let source: String?
    package let licence: String?

    /// - Throws: `FileError`; `SafetensorsError`, also for a value that is not finite; `PretrainedWeightsError`.
    package init(path: String) throws {
        let file = try Safetensors(data: FileContents.read(path))
        try file.requireFinite()
        try self.init(file)
    }

    package init(_ file: Safetensors) throws(PretrainedWeightsError) {
        self.file = file
        func value<T>(_ key: String, _ parse: (String) -> T?) throws(PretrainedWeightsError) -> T? {
            guard let text = file.metadata[key] else { return nil }
            guard let value = parse(text) else { throw .badMetadata(key: key, value: text) }
            return value
        }
        func channels(_ text: String) -> [Float]? {
            let values = text.split(separator: ",").map { Float($0.trimmingCharacters(in: .whitespaces)) }
            let numbers = values.compactMap { $0 }.filter(\.isFinite)
            return values.count == 3 && numbers.count == 3 ? numbers : nil
        }
        padding = try value("padding") { PaddingStyle(rawValue: $0) }
        batchNormEpsilon = try value("batch_norm_epsilon") { Float($0) }
        imageSize = try value("image_size") { Int($0) }
        width = try value("width") { Float($0) }
        mean = try value("mean", channels)
        standardDeviation = try value("std") { channels($0).flatMap { $0.allSatisfy { $0 > 0 } ? $0 : nil } }
        source = file.metadata["source"]
        licence = file.metadata["licence"]
    }

    /// Sets padding, epsilon and width to what the weights were trained with, where the file says so.
    package func apply(to configuration: inout NetworkConfiguration) {
        if let padding { configuration.padding = padding }
        if let batchNormEpsilon { configuration.batchNormEpsilon = batchNormEpsilon }
        if let width { configuration.width = width }
    }

    /// What became of each tensor; names sorted.
    package struct Report: Sendable, Equatable {
        package var loaded: [String]
        /// In the file only, or of another shape than the network's.
        package var leftOver: [String]
        /// In the network only (or of another shape): these keep their initial values.
        package var missingBackbone: [String]
        package var missingHeads: [String]
    }

    /// Copies every tensor that has a parameter of the same name and shape.
    /// - Throws: `PretrainedWeightsError.nothingFits`, with the network unchanged.
    @discardableResult
    package func load(into network: any Network, backend: any Backend) throws(PretrainedWeightsError) -> Report {
        var report = Report(loaded: [], leftOver: [], missingBackbone: [], missingHeads: [])
        for parameter in network.parameters {
            if let entry = file.entries[parameter.name], let tensor = parameter.tensor(from: entry, backend: backend) {
                parameter.value = tensor
                report.loaded.append(parameter.name)
            } else if parameter.name.hasPrefix("features.") {
                report.missingBackbone.append(parameter.name)
            } else {
                report.missingHeads.append(parameter.name)
            }
        }
        guard !report.loaded.isEmpty else { throw .nothingFits }
        // PyTorch's counters of batches say nothing here.
        let meant = file.entries.keys.filter { !$0.hasSuffix(".num_batches_tracked") }
        report.leftOver = Set(meant).subtracting(report.loaded).sorted()
        report.loaded.sort()
        report.missingBackbone.sort()
        report.missingHeads.sort()
        return report
    }
}

extension PretrainedWeights.Report: CustomStringConvertible {
    /// One line to a kind, with the first few names.
    package var description: String {
        func line(_ words: String, _ names: [String]) -> String? {
            guard !names.isEmpty else { return nil }
            let shown = names.prefix(3).joined(separator: ", ") + (names.count > 3 ? ", …" : "")
            return "\(names.count) \(words): \(shown)"
        }
        return [
            "\(loaded.count) tensors loaded", line("left over in the file", leftOver),
            line("of the backbone missing in the file", missingBackbone),
            line("of the heads start new", missingHeads),
        ].compactMap { $0 }.joined(separator: "\n")
    }
}
