// TrainingRecipe: everything that decides what a run computes, apart from the photos: with the same photos, recipe and number of threads
// a run gives the same weights, bit for bit. It stands in every checkpoint. The defaults are the paper's (arXiv 2112.04223).
// Left out: what only changes how fast a run goes (threads, workers) or where it writes.

import Foundation
import Tensors
import TinyRuntime

package struct TrainingRecipe: Codable, Sendable, Equatable {
    package var network: NetworkConfiguration
    package var normalization = Normalization.imageNet
    /// Photos are squashed to this side before a crop of the network's image size is taken.
    package var resize: Int
    package var epochs = 150
    /// The backbone is not stepped in that many first epochs; its batch norms' averages move.
    package var freezeEpochs = 5
    package var batchSize = 32
    /// Of everything but the backbone.
    package var learningRate: Float = 3e-3
    package var backboneLearningRate: Float = 3e-4
    package var momentum: Float = 0.9
    package var weightDecay: Float = 5e-4
    package var labelSmoothing: Float = 0
    /// What a phase does to the heads that it has no loss for.
    package var idleHeads = SGD.WithoutGradient.stepped
    package var schedule = Schedule.cosine
    package var flips = true
    /// Estimate batch norm's averages anew, on photos without mosaic, before export.
    package var recalibratesBatchNorm = true
    /// Share of each class that goes to validation where no folder holds it.
    package var validationShare = 0.2
    package var seed: UInt64 = 1

    package init(network: NetworkConfiguration) {
        self.network = network
        resize = Self.defaultResize(imageSize: network.imageSize)
    }

    /// The paper's proportion: 512 for a crop of 448.
    package static func defaultResize(imageSize: Int) -> Int { (imageSize * 8 + 3) / 7 }

    /// How a photo becomes the network's input at validation, conversion and on the device.
    package var preprocessing: Preprocessing {
        Preprocessing(
            resizeMode: .squash, filter: .bilinear, decodeScaling: false, resizeWidth: resize, resizeHeight: resize,
            cropWidth: network.imageSize, cropHeight: network.imageSize)
    }

    package var augmentation: Augmentation {
        Augmentation(cropWidth: network.imageSize, cropHeight: network.imageSize, flips: flips)
    }

    package var learningRates: LearningRates {
        LearningRates(backbone: backboneLearningRate, head: learningRate)
    }

    /// - Throws: `RecipeError`, naming the option; `NetworkConfigurationError`.
    package func validate() throws {
        try network.validate()
        func require(_ condition: Bool, _ option: String, _ value: Any, _ accepted: String) throws {
            guard condition else { throw RecipeError(option: option, value: "\(value)", accepted: accepted) }
        }
        try require((network.imageSize...8192).contains(resize), "--resize", resize, "from --image-size to 8192")
        try require((1...100_000).contains(epochs), "--epochs", epochs, "from 1 to 100000")
        try require((0...epochs).contains(freezeEpochs), "--freeze-epochs", freezeEpochs, "from 0 to --epochs")
        try require(
            (2...65_536).contains(batchSize), "--batch-size", batchSize, "from 2 (batch norm needs two) to 65536")
        for (option, value) in [("--lr", learningRate), ("--backbone-lr", backboneLearningRate)] {
            try require(value >= 0 && value <= 100, option, value, "from 0 to 100")
        }
        try require(momentum >= 0 && momentum < 1, "--momentum", momentum, "from 0 to below 1")
        try require(weightDecay >= 0 && weightDecay <= 1, "--weight-decay", weightDecay, "from 0 to 1")
        try require(labelSmoothing >= 0 && labelSmoothing < 1, "--smoothing", labelSmoothing, "from 0 to below 1")
        try require(
            validationShare >= 0 && validationShare <= 0.9, "--validation-share", validationShare, "from 0 to 0.9")
        try require(
            normalization.mean.allSatisfy(\.isFinite)
                && normalization.standardDeviation.allSatisfy { $0.isFinite && $0 > 0 },
            "mean and deviation", normalization, "finite, deviations above 0")
    }

    /// The fields that are not the same in both, each as "name: mine, not theirs".
    package func differences(from other: TrainingRecipe) -> [String] {
        let mine = Self.fields(self)
        let theirs = Self.fields(other)
        return Set(mine.keys).union(theirs.keys).sorted().compactMap { key in
            mine[key] == theirs[key] ? nil : "\(key): \(mine[key] ?? "none"), not \(theirs[key] ?? "none")"
        }
    }

    private static func fields(_ recipe: TrainingRecipe) -> [String: String] {
        guard let data = try? JSONEncoder().encode(recipe), let json = try? JSONSerialization.jsonObject(with: data)
        else {
            return [:]
        }
        var fields: [String: String] = [:]
        func collect(_ value: Any, _ name: String) {
            if let object = value as? [String: Any] {
                for (key, value) in object { collect(value, name.isEmpty ? key : "\(name).\(key)") }
            } else {
                fields[name] = "\(value)"
            }
        }
        collect(json, "")
        return fields
    }
}

/// A value that a recipe cannot have.
package struct RecipeError: Error, Equatable, CustomStringConvertible {
    package var option: String
    package var value: String
    package var accepted: String
    package var description: String { "\(option) \(value): it must be \(accepted)" }
}
