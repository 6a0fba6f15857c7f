// TrainingRun: `tiny train` as one call: folder of photos in; checkpoints, log.csv and model.onnx out. What can be found wrong is found before
// the first batch: the folder, every photo, the options, the weights, a place that cannot be written.

import Foundation
import ModelGraph
import Tensors

package struct TrainingRun {
    package struct Request {
        package var data: String
        package var out: String
        package var choices = RecipeChoices()
        /// Safetensors that the network starts from.
        package var weights: String?
        package var isResumed = false
        /// Fail for an unreadable photo instead of leaving it out.
        package var isStrict = false
        /// Threads of the float engine; together with the recipe they decide the last bit of the result.
        package var threads: Int
        /// Threads that decode photos; they change nothing but the time.
        package var workers: Int

        package init(data: String, out: String, threads: Int, workers: Int) {
            self.data = data
            self.out = out
            self.threads = threads
            self.workers = workers
        }
    }

    package enum Event {
        case checkingImages(done: Int, of: Int)
        /// Worth a line: what was loaded, skipped, chosen.
        case note(String)
        case training(TrainingLoop.Event)
    }

    package struct Summary: Sendable, Equatable {
        package var state: TrainingState
        package var labels: [String]
        package var validationImages: Int
        /// Of the last epoch; nil when the run was complete already, or without validation photos.
        package var lastTop1: Double?
        /// Of the exported network, batch norm recalibrated.
        package var exported: Validation?
        package var folder: RunFolder
    }

    /// Pixels kept in memory: at most 2 GiB, and at most a quarter of the machine's.
    static var cacheLimit: Int { Int(min(2 << 30, ProcessInfo.processInfo.physicalMemory / 4)) }

    /// - Throws: `RecipeError`, `NetworkConfigurationError` (options); `DatasetError`, `CheckpointError`, `PretrainedWeightsError` (files);
    ///   `FileError`; `TrainingError`.
    package static func run(_ request: Request, stop: StopSignal, report: (Event) -> Void) throws -> Summary {
        let folder = RunFolder(request.out)
        let backend = FastBackend(threads: request.threads)
        let start =
            request.isResumed ? try resumed(request, folder, backend) : try new(request, folder, backend, report)
        let recipe = start.recipe
        let index = start.index
        report(.note(describe(index, recipe)))

        let training = try check(index.training, recipe, request, report)
        let validation = try check(index.validation, recipe, request, report)
        try requireClasses(training.samples, index)
        guard training.samples.count >= recipe.batchSize else {
            throw DatasetError.batchTooLarge(batchSize: recipe.batchSize, images: training.samples.count)
        }
        var state = start.state
        let skipped = index.training.count + index.validation.count - training.samples.count - validation.samples.count
        guard state.epoch == 0 || state.skippedImages == skipped else {
            throw TrainingError.differentPhotos(folder: folder.path, data: request.data)
        }
        state.skippedImages = skipped

        try folder.create()
        let loop = TrainingLoop(
            recipe: recipe, training: training, validation: validation, labels: index.classes, folder: folder,
            backend: backend, workers: request.workers)
        var lastTop1: Double?
        try loop.run(start.network, state: &state, stop: stop) { event in
            if case .epoch(let record, _) = event { lastTop1 = record.validation?.top1 }
            report(.training(event))
        }
        let exported = try export(loop, stop: stop, finishedEpochs: state.epoch, report: report)
        return Summary(
            state: state, labels: index.classes, validationImages: validation.samples.count, lastTop1: lastTop1,
            exported: exported, folder: folder)
    }

    // MARK: Beginnings

    private struct Start {
        var recipe: TrainingRecipe
        var index: DatasetIndex
        var network: any Network
        var state: TrainingState
    }

    private static func new(
        _ request: Request, _ folder: RunFolder, _ backend: any Backend, _ report: (Event) -> Void
    ) throws -> Start {
        guard !folder.holdsRun else { throw TrainingError.runExists(folder: folder.path) }
        let weights = try request.weights.map { try pretrained($0) }
        // Options are judged before the photos are looked at.
        var recipe = try request.choices.recipe(classCount: 2, weights: weights)
        let index = try DatasetIndex(
            folder: request.data, seed: recipe.seed, validationShare: recipe.validationShare)
        recipe.network.classCount = index.classes.count
        try recipe.validate()
        let network = try recipe.network.makeNetwork(backend: backend, seed: recipe.seed)
        if let weights, let path = request.weights {
            let loaded = try weights.load(into: network, backend: backend)
            report(.note("weights from \(path)" + (weights.source.map { " (\($0))" } ?? "") + ":\n\(loaded)"))
        }
        return Start(recipe: recipe, index: index, network: network, state: TrainingState(dataHash: index.hash))
    }

    private static func resumed(_ request: Request, _ folder: RunFolder, _ backend: any Backend) throws -> Start {
        guard folder.canResume else { throw TrainingError.nothingToResume(folder: folder.path) }
        let checkpoint = try Checkpoint(path: folder.last)
        let recipe = try request.choices.resuming(checkpoint.recipe, folder: folder.path)
        let index = try DatasetIndex(folder: request.data, seed: recipe.seed, validationShare: recipe.validationShare)
        guard index.hash == checkpoint.state.dataHash, index.classes == checkpoint.labels else {
            throw TrainingError.differentPhotos(folder: folder.path, data: request.data)
        }
        return Start(
            recipe: recipe, index: index, network: try checkpoint.makeNetwork(backend: backend, path: folder.last),
            state: checkpoint.state)
    }

    private static func pretrained(_ path: String) throws -> PretrainedWeights {
        do {
            return try PretrainedWeights(path: path)
        } catch let error as SafetensorsError {
            throw CheckpointError.damaged(path: path, reason: "\(error)")
        } catch let error as PretrainedWeightsError {
            throw CheckpointError.damaged(path: path, reason: "\(error)")
        }
    }

    private static func check(
        _ samples: [DatasetIndex.Sample], _ recipe: TrainingRecipe, _ request: Request, _ report: (Event) -> Void
    ) throws -> ResizedImages {
        let images = ResizedImages(samples: samples, preprocessing: recipe.preprocessing, memoryLimit: cacheLimit / 2)
        let check = try ImageCheck(images, workers: max(request.workers, request.threads), isStrict: request.isStrict) {
            report(.checkingImages(done: $0, of: $1))
        }
        for (path, reason) in check.skipped { report(.note("skipped: \(path): \(reason)")) }
        if !check.skipped.isEmpty {
            report(.note("\(check.skipped.count) of \(samples.count) images skipped; --strict makes this an error"))
        }
        return check.images
    }

    /// Skipping may have emptied a class.
    private static func requireClasses(_ samples: [DatasetIndex.Sample], _ index: DatasetIndex) throws {
        let used = Set(samples.map(\.label))
        let empty = index.classes.indices.filter { !used.contains($0) }.map { index.classes[$0] }
        guard empty.isEmpty else { throw DatasetError.emptyClasses(folder: index.root, classes: empty) }
    }

    private static func describe(_ index: DatasetIndex, _ recipe: TrainingRecipe) -> String {
        func rate(_ value: Float) -> String { String(format: "%.4g", value) }
        let split = index.isSplitBySeed ? " (split by seed \(recipe.seed))" : ""
        return """
            \(index.classes.count) classes, \(index.training.count) training and \(index.validation.count) validation images\(split)
            \(recipe.network.method.rawValue), \(recipe.network.backbone.rawValue) \(recipe.network.width), \
            \(recipe.network.imageSize)×\(recipe.network.imageSize) pixels, batch \(recipe.batchSize), \
            lr \(rate(recipe.learningRate)) (backbone \(rate(recipe.backboneLearningRate))), \(recipe.epochs) epochs\
            \(recipe.freezeEpochs > 0 ? ", backbone frozen for \(recipe.freezeEpochs)" : "")
            """
    }

    // MARK: End

    /// The best epoch's network to model.onnx.
    private static func export(
        _ loop: TrainingLoop, stop: StopSignal, finishedEpochs: Int, report: (Event) -> Void
    ) throws -> Validation? {
        let path = FileManager.default.fileExists(atPath: loop.folder.best) ? loop.folder.best : loop.folder.last
        let best = try Checkpoint(path: path)
        let network = try best.makeNetwork(backend: loop.backend, path: path)
        let shouldStop = { stop.requested != nil }
        if loop.recipe.recalibratesBatchNorm {
            let shown = try BatchNormRecalibration.run(
                network, on: loop.training, recipe: loop.recipe, workers: loop.workers, backend: loop.backend,
                shouldStop: shouldStop)
            report(.note("batch norm's averages estimated anew on \(shown) training images"))
        }
        let exported = try Validation.run(
            network, on: loop.validation, normalization: loop.recipe.normalization, batchSize: loop.recipe.batchSize,
            workers: loop.workers, backend: loop.backend, shouldStop: shouldStop)
        if let signal = stop.requested {
            throw TrainingError.interrupted(
                signal: signal, finishedEpochs: finishedEpochs, checkpoint: loop.folder.last)
        }
        let graph = try GraphExporter.graph(of: network, name: "tiny", metadata: best.metadata)
        try FileContents.write(try graph.onnxData(), to: loop.folder.onnx)
        return exported
    }

    /// The same re-estimation for a checkpoint's network outside a run.
    /// - Parameter data: A folder in the layouts of `DatasetIndex`; its training photos are used.
    /// - Returns: Photos shown.
    package static func recalibrate(
        _ network: any Network, recipe: TrainingRecipe, data: String, backend: any Backend, workers: Int,
        report: (Event) -> Void
    ) throws -> Int {
        let index = try DatasetIndex(folder: data, seed: recipe.seed, validationShare: recipe.validationShare)
        var request = Request(data: data, out: "", threads: 1, workers: workers)
        request.isStrict = false
        let images = try check(index.training, recipe, request, report)
        let shown = try BatchNormRecalibration.run(
            network, on: images, recipe: recipe, workers: workers, backend: backend)
        guard shown > 0 else {
            throw DatasetError.batchTooLarge(batchSize: recipe.batchSize, images: images.samples.count)
        }
        return shown
    }
}
