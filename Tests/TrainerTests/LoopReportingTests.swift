// Numbers for people: metrics against hand-made counts, recipes and their limits, the log.

import Foundation
import ModelGraph
import Testing
import Trainer

@Suite struct LoopReportingTests {
    @Test func metricsByHand() {
        var metrics = ClassificationMetrics(classCount: 7)
        // Right, with probability e²/(e² + 6).
        metrics.add(logits: [2, 0, 0, 0, 0, 0, 0], label: 0)
        // Wrong; the truth is second.
        metrics.add(logits: [3, 2, 1, 0, 0, 0, 0], label: 1)
        // Five are larger than the truth's.
        metrics.add(logits: [6, 5, 4, 3, 2, 1, 0], label: 5)
        // Equal logits: the first counts as larger, so class 4 is fifth and class 5 sixth.
        metrics.add(logits: [0, 0, 0, 0, 0, 0, 0], label: 4)
        metrics.add(logits: [.nan, 1, .nan, 0, 0, 0, 0], label: 1)
        #expect(metrics.images == 5)
        #expect(metrics.top1 == 2.0 / 5)
        #expect(metrics.top5 == 4.0 / 5)
        #expect(metrics.confusion[1] == [1, 1, 0, 0, 0, 0, 0])
        #expect(metrics.confusion[5] == [1, 0, 0, 0, 0, 0, 0])
        #expect(metrics.top1(of: 1) == 0.5)
        #expect(metrics.top1(of: 6) == nil)
        #expect(metrics.mostOftenTakenFor(1)?.answer == 0)
        #expect(metrics.mostOftenTakenFor(0) == nil)
    }

    @Test func calibrationErrorByHand() {
        // Two classes; logits ±log(p/(1−p))/2 give confidence p. Bins are 1/15 wide: 0.62 and 0.65 share one, 0.9 has its own.
        var metrics = ClassificationMetrics(classCount: 2)
        for (confidence, isRight) in [(0.62, true), (0.65, false), (0.9, true)] {
            let half = Float(log(confidence / (1 - confidence)) / 2)
            metrics.add(logits: [half, -half], label: isRight ? 0 : 1)
        }
        #expect(abs(metrics.expectedCalibrationError - (abs(1 - 1.27) + abs(1 - 0.9)) / 3) < 1e-6)
        var cool = ClassificationMetrics(classCount: 2)
        cool.add(logits: [2, 0], label: 0, temperature: 2)
        #expect(abs(cool.expectedCalibrationError - (1 - exp(1.0) / (exp(1.0) + 1))) < 1e-6)
        #expect(ClassificationMetrics(classCount: 2).expectedCalibrationError == 0)
    }

    @Test func defaultsAreThePapers() throws {
        let recipe = try RecipeChoices().recipe(classCount: 200, weights: nil)
        #expect(recipe.network.method == .rmgPMSI && recipe.network.heads == .paper && recipe.network.width == 1)
        #expect(recipe.network.imageSize == 448 && recipe.resize == 512)
        #expect(recipe.epochs == 150 && recipe.batchSize == 32 && recipe.schedule == .cosine && recipe.flips)
        #expect(recipe.momentum == 0.9 && recipe.weightDecay == 5e-4 && recipe.labelSmoothing == 0)
        #expect(recipe.idleHeads == .stepped)
        let weights = try PretrainedWeights(
            Safetensors(
                entries: [:],
                metadata: ["padding": "tensorflow", "mean": "127.5,127.5,127.5", "std": "127.5,127.5,127.5"]))
        let tuned = try RecipeChoices().recipe(classCount: 200, weights: weights)
        #expect(tuned.learningRate == 3e-3 && tuned.backboneLearningRate == 3e-4 && tuned.freezeEpochs == 5)
        #expect(tuned.network.padding == .tensorflow && tuned.normalization.mean == [127.5, 127.5, 127.5])
    }

    @Test func choicesBeatDefaults() throws {
        var choices = RecipeChoices()
        choices.imageSize = 128
        choices.epochs = 8
        choices.learningRate = 0.02
        choices.idleHeads = .skipped
        let weights = try PretrainedWeights(Safetensors(entries: [:], metadata: ["width": "0.5"]))
        let recipe = try choices.recipe(classCount: 2, weights: weights)
        #expect(recipe.resize == 146)
        #expect(recipe.freezeEpochs == 2)
        #expect(recipe.backboneLearningRate == 0.02 / 10)
        #expect(recipe.network.width == 0.5)
        #expect(recipe.idleHeads == .skipped)
        #expect(try choices.recipe(classCount: 2, weights: nil).freezeEpochs == 0)
    }

    @Test func impossibleValuesAreNamed() {
        let changes: [(String, (inout RecipeChoices) -> Void)] = [
            ("--batch-size", { $0.batchSize = 1 }), ("--epochs", { $0.epochs = 0 }),
            ("--freeze-epochs", { $0.freezeEpochs = 151 }), ("--lr", { $0.learningRate = -1 }),
            ("--lr", { $0.learningRate = .nan }), ("--momentum", { $0.momentum = 1 }),
            ("--weight-decay", { $0.weightDecay = -0.1 }), ("--smoothing", { $0.labelSmoothing = 1 }),
            ("--resize", { $0.resize = 447 }), ("--validation-share", { $0.validationShare = 1 }),
        ]
        for (option, change) in changes {
            var choices = RecipeChoices()
            change(&choices)
            let error = #expect(throws: RecipeError.self) { try choices.recipe(classCount: 2, weights: nil) }
            #expect(error?.option == option)
        }
    }

    @Test func impossibleNetworksAreNamed() {
        var choices = RecipeChoices()
        choices.imageSize = 100
        #expect(throws: NetworkConfigurationError.imageSize(100)) { try choices.recipe(classCount: 2, weights: nil) }
    }

    @Test func theLogGoesOnAfterItsCheckpoint() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/log.csv"
        func record(_ epoch: Int, _ validation: Validation?) -> EpochRecord {
            EpochRecord(
                epoch: epoch, iteration: 10 * epoch, rates: LearningRates(backbone: 0.25, head: 0.5),
                phaseLosses: [1, 2.5], validation: validation, imagesPerSecond: 12.5, seconds: 3)
        }
        let validation = Validation(images: 4, headTop1: [0.5, 0.25], top1: 0.75, loss: 1.25)
        var log = try TrainingLog(path: path, phases: 2, heads: 2, finishedEpochs: 0)
        try log.append(record(1, validation), heads: 2)
        try log.append(record(2, nil), heads: 2)
        try log.append(record(3, validation), heads: 2)
        let header =
            "epoch,iteration,lr,backbone_lr,loss_phase1,loss_phase2,val_loss,val_top1,val_top1_head1,val_top1_head2,images_per_second,seconds\n"
        let first = "1,10,0.5,0.25,1,2.5,1.25,0.75,0.5,0.25,12.5,3\n"
        let second = "2,20,0.5,0.25,1,2.5,,,,,12.5,3\n"
        let third = "3,30,0.5,0.25,1,2.5,1.25,0.75,0.5,0.25,12.5,3\n"
        func text() throws -> String { String(decoding: try FileContents.read(path), as: UTF8.self) }
        #expect(try text() == header + first + second + third)
        // The third row was written, its checkpoint was not.
        var resumed = try TrainingLog(path: path, phases: 2, heads: 2, finishedEpochs: 2)
        #expect(try text() == header + first + second)
        try resumed.append(record(3, validation), heads: 2)
        #expect(try text() == header + first + second + third)
        _ = try TrainingLog(path: path, phases: 2, heads: 2, finishedEpochs: 0)
        #expect(try text() == header)
    }

    @Test func theScreenShowsWhereARunStands() {
        var output = ""
        let terminal = ConsoleProgress(isTerminal: true) { output += $0 }
        let progress = BatchProgress(
            epoch: 2, epochs: 10, batch: 3, batches: 30, phaseLosses: [1.25, 2], imagesPerSecond: 41.6,
            secondsLeft: 3725)
        terminal.show(.training(.batch(progress)))
        #expect(output == "\r\u{1B}[Kepoch 2/10  batch 3/30  loss 1.250 2.000  42 images/s  1:02:05 left")
        terminal.line("note")
        #expect(output.hasSuffix("left\r\u{1B}[Knote\n"))
        output = ""
        let file = ConsoleProgress(isTerminal: false) { output += $0 }
        file.show(.training(.batch(progress)))
        #expect(output.isEmpty)
        var state = TrainingState(dataHash: "")
        state.best = .init(epoch: 1, top1: 0.5, loss: 1)
        let validation = Validation(images: 4, headTop1: [0.5, 0.25], top1: 0.25, loss: 1.25)
        file.show(
            .training(
                .epoch(
                    EpochRecord(
                        epoch: 2, iteration: 60, rates: LearningRates(backbone: 0, head: 0), phaseLosses: [1],
                        validation: validation, imagesPerSecond: 8.25, seconds: 61), state)))
        #expect(
            output
                == "epoch 2  loss 1.000  top-1 25.0 % (heads 50.0 25.0)  best 50.0 % in epoch 1  8.2 images/s  1:01\n")
    }
}
