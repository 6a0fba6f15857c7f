// Checkpoint: a network in a file, with all that is needed to go on training it or to export it. Safetensors: parameters and buffers under
// their own names (torchvision's for the backbone), momentum as `optimizer.NAME`, and in the metadata JSON for recipe and state, labels
// and preprocessing as in an ONNX file, and the few plain keys that `PretrainedWeights` reads, so that a checkpoint serves as --weights.

import Foundation
import ModelGraph
import Tensors

package enum CheckpointError: Error, Equatable {
    /// The file is a safetensors file but not a checkpoint of ours, or a damaged one.
    case notACheckpoint(path: String, reason: String)
    /// Not a safetensors file, or its metadata is not understood.
    case damaged(path: String, reason: String)
    /// A tensor of the network is missing or has another shape.
    case badTensor(path: String, name: String, reason: String)
}

extension CheckpointError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notACheckpoint(let path, let reason): "\(path): not a checkpoint of tiny train: \(reason)"
        case .damaged(let path, let reason): "\(path): \(reason)"
        case .badTensor(let path, let name, let reason): "\(path): tensor '\(name)' \(reason)"
        }
    }
}

package struct Checkpoint {
    package var recipe: TrainingRecipe
    package var state: TrainingState
    /// The classes, in the logits' order.
    package var labels: [String]
    /// In the file's layout.
    package var entries: [String: Safetensors.Entry]

    private static let recipeKey = "tiny.recipe"
    private static let stateKey = "tiny.state"
    private static let velocityPrefix = "optimizer."

    /// A copy of the network's present values.
    package init(of network: any Network, recipe: TrainingRecipe, state: TrainingState, labels: [String]) {
        self.recipe = recipe
        self.state = state
        self.labels = labels
        entries = [:]
        for parameter in network.parameters {
            entries[parameter.name] = parameter.fileEntry(of: parameter.value)
            if let velocity = parameter.velocity {
                entries[Self.velocityPrefix + parameter.name] = parameter.fileEntry(of: velocity)
            }
        }
    }

    // MARK: File

    /// - Throws: `FileError`, `CheckpointError`.
    package init(path: String) throws {
        let file: Safetensors
        do {
            file = try Safetensors(data: try FileContents.read(path))
        } catch let error as SafetensorsError {
            throw CheckpointError.damaged(path: path, reason: "\(error)")
        }
        func value<T: Decodable>(_ type: T.Type, _ key: String) throws -> T {
            guard let text = file.metadata[key] else {
                throw CheckpointError.notACheckpoint(path: path, reason: "its metadata has no '\(key)'")
            }
            do {
                return try JSONDecoder().decode(type, from: Data(text.utf8))
            } catch {
                throw CheckpointError.notACheckpoint(path: path, reason: "its metadata '\(key)' is not understood")
            }
        }
        recipe = try value(TrainingRecipe.self, Self.recipeKey)
        state = try value(TrainingState.self, Self.stateKey)
        labels = try value([String].self, ModelMetadata.labelsKey)
        entries = file.entries
        do {
            try recipe.validate()
        } catch {
            throw CheckpointError.notACheckpoint(path: path, reason: "\(error)")
        }
        guard labels.count == recipe.network.classCount else {
            throw CheckpointError.notACheckpoint(
                path: path, reason: "\(labels.count) labels for \(recipe.network.classCount) classes")
        }
        // The network is no larger than the file: a damaged configuration must not fill the memory.
        let values = entries.values.reduce(0) { $0 + $1.values.count }
        let network = recipe.network
        let wants =
            switch network.method {
            case .plain: network.classCount * 1280
            case .rmgPMSI: network.headFeatures * max(network.headEmbedding, network.classCount)
            }
        guard wants <= values else {
            throw CheckpointError.notACheckpoint(
                path: path, reason: "\(values) values do not make the network it describes")
        }
        guard state.epoch >= 0, state.iteration >= 0 else {
            throw CheckpointError.notACheckpoint(
                path: path, reason: "epoch \(state.epoch), iteration \(state.iteration)")
        }
    }

    /// Written beside the target and renamed over it.
    /// - Throws: `FileError.notWritten`, with an earlier file intact.
    package func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var metadata = self.metadata.properties
        metadata[Self.recipeKey] = String(decoding: try encoder.encode(recipe), as: UTF8.self)
        metadata[Self.stateKey] = String(decoding: try encoder.encode(state), as: UTF8.self)
        metadata["format"] = "pt"  // what PyTorch's own readers look for: the layouts are PyTorch's
        metadata["padding"] = recipe.network.padding.rawValue
        metadata["batch_norm_epsilon"] = "\(recipe.network.batchNormEpsilon)"
        metadata["image_size"] = "\(recipe.network.imageSize)"
        metadata["width"] = "\(recipe.network.width)"
        metadata["mean"] = recipe.normalization.mean.map { "\($0)" }.joined(separator: ",")
        metadata["std"] = recipe.normalization.standardDeviation.map { "\($0)" }.joined(separator: ",")
        try FileContents.write(try Safetensors(entries: entries, metadata: metadata).data(), to: path)
    }

    /// Labels and preprocessing, as an exported model carries them.
    package var metadata: ModelMetadata {
        ModelMetadata(
            labels: labels, preprocessing: recipe.preprocessing, mean: recipe.normalization.mean,
            standardDeviation: recipe.normalization.standardDeviation)
    }

    // MARK: Network

    /// A network with these values, momentum included.
    /// - Parameter path: For errors.
    /// - Throws: `CheckpointError.badTensor` for a missing one or another shape.
    package func makeNetwork(backend: any Backend, path: String) throws -> any Network {
        let network = try recipe.network.makeNetwork(backend: backend, seed: recipe.seed)
        for parameter in network.parameters {
            guard let entry = entries[parameter.name] else {
                throw CheckpointError.badTensor(path: path, name: parameter.name, reason: "is missing")
            }
            parameter.value = try Self.tensor(parameter, parameter.name, entry, backend, path)
            let velocityName = Self.velocityPrefix + parameter.name
            parameter.velocity = try entries[velocityName].map {
                try Self.tensor(parameter, velocityName, $0, backend, path)
            }
        }
        return network
    }

    private static func tensor(
        _ parameter: Parameter, _ name: String, _ entry: Safetensors.Entry, _ backend: any Backend, _ path: String
    ) throws -> Tensor {
        guard let tensor = parameter.tensor(from: entry, backend: backend) else {
            throw CheckpointError.badTensor(
                path: path, name: name, reason: "has shape \(entry.shape), the network's is \(parameter.fileShape)")
        }
        return tensor
    }
}
