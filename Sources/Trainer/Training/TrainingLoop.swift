// TrainingLoop: epochs of batches of phases, for any method: what a phase is comes as data (`TrainingMethod`), what a step does is
// `TrainingStep`'s. After each epoch: validation, a row in log.csv, then the checkpoints, `best` before `last`, so that whatever `last` speaks of
// is there. Left out: preparing the photos and the network, and the export (TrainingRun).

import Foundation
import Tensors

package struct TrainingLoop {
    package let recipe: TrainingRecipe
    package let training: ResizedImages
    package let validation: ResizedImages
    package let labels: [String]
    package let folder: RunFolder
    package let backend: any Backend
    /// Threads that prepare batches.
    package let workers: Int

    package enum Event {
        case batch(BatchProgress)
        case epoch(EpochRecord, TrainingState)
    }

    package init(
        recipe: TrainingRecipe, training: ResizedImages, validation: ResizedImages, labels: [String], folder: RunFolder,
        backend: any Backend, workers: Int
    ) {
        self.recipe = recipe
        self.training = training
        self.validation = validation
        self.labels = labels
        self.folder = folder
        self.backend = backend
        self.workers = workers
    }

    private var batches: Int { BatchLoader.batchCount(images: training.samples.count, batchSize: recipe.batchSize) }

    /// Trains from `state` to the last epoch.
    /// - Parameters:
    ///   - network: Its momentum goes on where it holds one.
    ///   - state: Moves with every finished epoch.
    /// - Throws: `TrainingError.interrupted` or `.diverged` with the last finished epoch's files intact; `FileError.notWritten`; `DatasetError`.
    package func run(
        _ network: any Network, state: inout TrainingState, stop: StopSignal, report: (Event) -> Void
    ) throws {
        let method = recipe.network.trainingMethod
        let heads = (method.phases.flatMap(\.losses).map(\.head).max() ?? 0) + 1
        var log = try TrainingLog(
            path: folder.log, phases: method.phases.count, heads: heads, finishedEpochs: state.epoch)
        let step = TrainingStep(
            network: network, method: method,
            optimizer: SGD(
                backend: backend, momentum: recipe.momentum, weightDecay: recipe.weightDecay,
                withoutGradient: recipe.idleHeads),
            loss: SoftmaxCrossEntropy(labelSmoothing: recipe.labelSmoothing), seed: recipe.seed)
        var clock = Stopwatch()
        while state.epoch < recipe.epochs {
            let start = ContinuousClock.now
            let (losses, rates) = try trainEpoch(step, state: &state, stop: stop, clock: &clock, report: report)
            let trained = ContinuousClock.now
            let result = try Validation.run(
                network, on: validation, normalization: recipe.normalization, batchSize: recipe.batchSize,
                workers: workers, backend: backend, shouldStop: { stop.requested != nil })
            try check(stop, finishedEpochs: state.epoch)
            let end = ContinuousClock.now
            clock.secondsPerValidation = (end - trained).seconds
            state.epoch += 1
            let record = EpochRecord(
                epoch: state.epoch, iteration: state.iteration, rates: rates, phaseLosses: losses, validation: result,
                imagesPerSecond: Double(batches * recipe.batchSize) / (trained - start).seconds,
                seconds: (end - start).seconds)
            try log.append(record, heads: heads)
            let isBest = Self.isBetter(result, than: state.best)
            if isBest, let result {
                state.best = TrainingState.Best(epoch: state.epoch, top1: result.top1, loss: result.loss)
            }
            let checkpoint = Checkpoint(of: network, recipe: recipe, state: state, labels: labels)
            // Without validation photos the newest is the best there is.
            if isBest || result == nil { try checkpoint.write(to: folder.best) }
            try checkpoint.write(to: folder.last)
            report(.epoch(record, state))
        }
    }

    /// Higher top-1, or the same with a lower loss: on few photos many epochs tie.
    package static func isBetter(_ result: Validation?, than best: TrainingState.Best?) -> Bool {
        guard let result else { return false }
        guard let best else { return true }
        return result.top1 > best.top1 || (result.top1 == best.top1 && result.loss < best.loss)
    }

    private func trainEpoch(
        _ step: TrainingStep, state: inout TrainingState, stop: StopSignal, clock: inout Stopwatch,
        report: (Event) -> Void
    ) throws -> (losses: [Double], rates: LearningRates) {
        let loader = BatchLoader(
            training, augmentation: recipe.augmentation, batchSize: recipe.batchSize, seed: recipe.seed,
            epoch: state.epoch, workers: workers)
        var sums = [Double](repeating: 0, count: step.method.phases.count)
        var rates = recipe.learningRates
        var finished = 0
        var iteration = state.epoch * batches
        var start = ContinuousClock.now
        while let batch = try loader.next() {
            try check(stop, finishedEpochs: state.epoch)
            rates = recipe.learningRates.scaled(
                by: recipe.schedule.factor(
                    iteration: iteration, iterationsPerEpoch: batches, imagesPerEpoch: training.samples.count,
                    epochs: recipe.epochs))
            let pixels = recipe.normalization.tensor(
                pixels: batch.pixels, count: batch.count, height: batch.height, width: batch.width, backend: backend)
            let losses = step.run(
                pixels: pixels, labels: batch.labels, iteration: iteration, rates: rates,
                backboneFrozen: state.epoch < recipe.freezeEpochs)
            iteration += 1
            finished += 1
            for (phase, loss) in losses.enumerated() {
                guard loss.isFinite else {
                    throw TrainingError.diverged(
                        phase: phase + 1, loss: loss, epoch: state.epoch + 1, batch: finished,
                        finishedEpochs: state.epoch, checkpoint: folder.last)
                }
                sums[phase] += Double(loss)
            }
            // Waiting for the loader included.
            let end = ContinuousClock.now
            clock.add((end - start).seconds)
            start = end
            report(
                .batch(
                    BatchProgress(
                        epoch: state.epoch + 1, epochs: recipe.epochs, batch: finished, batches: batches,
                        phaseLosses: sums.map { $0 / Double(finished) },
                        imagesPerSecond: Double(recipe.batchSize) / clock.secondsPerBatch,
                        secondsLeft: clock.left(
                            batches: recipe.epochs * batches - iteration, validations: recipe.epochs - state.epoch))))
        }
        state.iteration = iteration
        return (sums.map { $0 / Double(max(finished, 1)) }, rates)
    }

    private func check(_ stop: StopSignal, finishedEpochs: Int) throws {
        if let signal = stop.requested {
            throw TrainingError.interrupted(signal: signal, finishedEpochs: finishedEpochs, checkpoint: folder.last)
        }
    }
}

/// Times of the newest batches and validation, for the time left.
private struct Stopwatch {
    private(set) var secondsPerBatch = 0.0
    var secondsPerValidation = 0.0

    /// A moving average, so that the frozen epochs' quick batches are soon forgotten.
    mutating func add(_ seconds: Double) {
        secondsPerBatch = secondsPerBatch == 0 ? seconds : 0.9 * secondsPerBatch + 0.1 * seconds
    }

    func left(batches: Int, validations: Int) -> Double {
        secondsPerBatch * Double(batches) + secondsPerValidation * Double(validations)
    }
}

extension Duration {
    package var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
