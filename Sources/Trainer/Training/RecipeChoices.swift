// RecipeChoices: the part of a recipe that a user has chosen; nil is "not said". For a new run what was not said comes from the pretrained
// weights or is the paper's; for a resumed run everything comes from its checkpoint, and what was said must agree with it.

import Tensors

package struct RecipeChoices: Sendable, Equatable {
    package var method: NetworkConfiguration.Method?
    package var heads: NetworkConfiguration.HeadStyle?
    package var width: Float?
    package var imageSize: Int?
    package var resize: Int?
    package var epochs: Int?
    package var freezeEpochs: Int?
    package var batchSize: Int?
    package var learningRate: Float?
    package var backboneLearningRate: Float?
    package var momentum: Float?
    package var weightDecay: Float?
    package var labelSmoothing: Float?
    package var idleHeads: SGD.WithoutGradient?
    package var schedule: Schedule?
    package var flips: Bool?
    package var recalibratesBatchNorm: Bool?
    package var validationShare: Double?
    package var seed: UInt64?

    package init() {}

    /// A size as in the paper.
    package static let defaultImageSize = 448

    /// The recipe of a new run.
    /// - Parameters:
    ///   - weights: What the backbone starts from; padding, epsilon, width, mean and deviation come from there unless chosen here.
    /// - Throws: `RecipeError`, `NetworkConfigurationError`.
    package func recipe(classCount: Int, weights: PretrainedWeights?) throws -> TrainingRecipe {
        var network = NetworkConfiguration(classCount: classCount)
        network.imageSize = Self.defaultImageSize
        weights?.apply(to: &network)
        set(&network)
        var recipe = TrainingRecipe(network: network)
        if let mean = weights?.mean, let deviation = weights?.standardDeviation {
            recipe.normalization = Normalization(mean: mean, standardDeviation: deviation)
        }
        set(&recipe)
        // A backbone that starts from nothing has nothing to keep, and a short run must not end before it thaws.
        if freezeEpochs == nil {
            recipe.freezeEpochs = weights == nil ? 0 : min(recipe.freezeEpochs, recipe.epochs / 4)
        }
        if backboneLearningRate == nil {
            recipe.backboneLearningRate = weights == nil ? recipe.learningRate : recipe.learningRate / 10
        }
        try recipe.validate()
        return recipe
    }

    /// The recipe of a resumed run: the checkpoint's, with another number of epochs where one was chosen.
    /// - Throws: `TrainingError.differentRecipe` naming the choices that disagree; `RecipeError`.
    package func resuming(_ checkpoint: TrainingRecipe, folder: String) throws -> TrainingRecipe {
        var chosen = checkpoint
        set(&chosen.network)
        set(&chosen)
        var resumed = checkpoint
        resumed.epochs = chosen.epochs
        resumed.recalibratesBatchNorm = chosen.recalibratesBatchNorm
        guard chosen == resumed else {
            throw TrainingError.differentRecipe(folder: folder, fields: chosen.differences(from: resumed))
        }
        try resumed.validate()
        return resumed
    }

    private func set(_ network: inout NetworkConfiguration) {
        if let method { network.method = method }
        if let heads { network.heads = heads }
        if let width { network.width = width }
        if let imageSize { network.imageSize = imageSize }
    }

    private func set(_ recipe: inout TrainingRecipe) {
        if let resize { recipe.resize = resize }
        if let epochs { recipe.epochs = epochs }
        if let freezeEpochs { recipe.freezeEpochs = freezeEpochs }
        if let batchSize { recipe.batchSize = batchSize }
        if let learningRate { recipe.learningRate = learningRate }
        if let backboneLearningRate { recipe.backboneLearningRate = backboneLearningRate }
        if let momentum { recipe.momentum = momentum }
        if let weightDecay { recipe.weightDecay = weightDecay }
        if let labelSmoothing { recipe.labelSmoothing = labelSmoothing }
        if let idleHeads { recipe.idleHeads = idleHeads }
        if let schedule { recipe.schedule = schedule }
        if let flips { recipe.flips = flips }
        if let recalibratesBatchNorm { recipe.recalibratesBatchNorm = recalibratesBatchNorm }
        if let validationShare { recipe.validationShare = validationShare }
        if let seed { recipe.seed = seed }
    }
}
