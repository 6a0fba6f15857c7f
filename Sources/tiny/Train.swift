// tiny train: photos in, RUN/ out. What it does is Trainer's TrainingRun; here are the options and the words.

import ArgumentParser
import Foundation
import Trainer

struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a network on folders of photos.",
        discussion: """
            DIR holds train/CLASS/photo.jpg and val/CLASS/photo.jpg (or validation/, test/), or CLASS/photo.jpg, of which a share is
            split off for validation. Left out, an option has the paper's value (RMG-PMSI, arXiv 2112.04223); see docs/training.md.

              tiny train --data samples/typefaces --out runs/typefaces --weights models/mobilenetv2-pretrained-160.safetensors \\
                  --heads separable --image-size 128 --epochs 10 --batch-size 16 --lr 0.02 --no-flip

            RUN/ then holds model.onnx (the best epoch), best.safetensors, last.safetensors and log.csv.
            Ctrl-C stops after the current batch (exit code 130); the same command with --resume goes on after the last finished epoch.
            """)

    @Option(help: ArgumentHelp("Folder of photos.", valueName: "dir"))
    var data: String
    @Option(help: ArgumentHelp("Folder for the run's files; must not hold a run, unless --resume.", valueName: "run"))
    var out: String

    @Option(help: "Training method: \(Self.names(NetworkConfiguration.Method.self)). (default: rmg-pmsi)")
    var method: NetworkConfiguration.Method?
    @Option(help: "Kind of rmg-pmsi's heads: \(Self.names(NetworkConfiguration.HeadStyle.self)). (default: paper)")
    var heads: NetworkConfiguration.HeadStyle?
    @Option(help: "Width multiple of the backbone. (default: the weights', or 1)")
    var width: Float?
    @Option(
        help: ArgumentHelp("Safetensors to start from: pretrained, or another run's checkpoint.", valueName: "file"))
    var weights: String?

    @Option(help: "Side of the network's input, a multiple of 32. (default: 448)")
    var imageSize: Int?
    @Option(help: "Side to which photos are squashed before the crop. (default: 8/7 of --image-size)")
    var resize: Int?
    @Flag(inversion: .prefixedNo, help: "Show photos mirrored half of the time; wrong for text. (default: --flip)")
    var flip: Bool?
    @Option(help: "Share of each class that is split off where DIR has no validation folder. (default: 0.2)")
    var validationShare: Double?

    @Option(help: "Times that every photo is shown. (default: 150)")
    var epochs: Int?
    @Option(
        help:
            "First epochs in which the backbone is kept as it is. (default: 5, at most a quarter; 0 without --weights)")
    var freezeEpochs: Int?
    @Option(help: "Photos in a step. (default: 32)")
    var batchSize: Int?
    @Option(help: "Learning rate of new layers. (default: 0.003)")
    var lr: Float?
    @Option(help: "Learning rate of the backbone. (default: a tenth of --lr; all of it without --weights)")
    var backboneLr: Float?
    @Option(help: "SGD's momentum. (default: 0.9)")
    var momentum: Float?
    @Option(help: "Weight decay, of all parameters. (default: 0.0005)")
    var weightDecay: Float?
    @Option(help: "Label smoothing: the share of the target spread over all classes. (default: 0)")
    var smoothing: Float?
    @Option(
        help: ArgumentHelp(
            "What a phase does to heads that it has no loss for: stepped (momentum and weight decay move them, as in the paper's code) or skipped. (default: stepped)"
        ))
    var idleHeads: SGD.WithoutGradient?
    @Option(help: "How the learning rate falls: \(Self.names(Schedule.self)). (default: cosine)")
    var schedule: Schedule?
    @Flag(
        inversion: .prefixedNo,
        help: "Estimate batch norm's averages anew on whole photos before export. (default: --recalibrate-batch-norm)")
    var recalibrateBatchNorm: Bool?
    @Option(help: "Everything random follows from it. (default: 1)")
    var seed: UInt64?

    @Option(help: "Threads that compute. (default: one a core)")
    var threads: Int?
    @Option(help: "Threads that decode and augment; they do not change the result. (default: half of the cores)")
    var workers: Int?
    @Flag(help: "Go on with the run in --out after its last finished epoch; its options are those it began with.")
    var resume = false
    @Flag(help: "Fail for an unreadable photo instead of skipping it.")
    var strict = false

    func validate() throws {
        for (option, value) in [("--threads", threads), ("--workers", workers)] {
            if let value, !(1...1024).contains(value) {
                throw ValidationError("\(option) \(value): it must be from 1 to 1024")
            }
        }
    }

    func run() throws {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        var request = TrainingRun.Request(
            data: data, out: out, threads: threads ?? cores, workers: workers ?? max(1, cores / 2))
        request.choices = choices
        request.weights = weights
        request.isResumed = resume
        request.isStrict = strict
        if resume && weights != nil {
            throw ValidationError("--weights with --resume: a resumed run starts from its own checkpoint")
        }
        let progress = ConsoleProgress()
        do {
            let summary = try TrainingRun.run(request, stop: .onInterrupt(), report: progress.show)
            progress.close()
            printSummary(summary)
        } catch let error as TrainingError {
            progress.close()
            guard case .interrupted(let signal, let finishedEpochs, _) = error else { throw error }
            progress.line("tiny: \(error)")
            if finishedEpochs > 0 {
                progress.line("Go on with: tiny train --data \(Words.quoted(data)) --out \(Words.quoted(out)) --resume")
            }
            // What a shell gives for a program that the signal ended.
            throw ExitCode(128 + signal)
        } catch {
            progress.close()
            throw error
        }
    }

    private var choices: RecipeChoices {
        var choices = RecipeChoices()
        choices.method = method
        choices.heads = heads
        choices.width = width
        choices.imageSize = imageSize
        choices.resize = resize
        choices.epochs = epochs
        choices.freezeEpochs = freezeEpochs
        choices.batchSize = batchSize
        choices.learningRate = lr
        choices.backboneLearningRate = backboneLr
        choices.momentum = momentum
        choices.weightDecay = weightDecay
        choices.labelSmoothing = smoothing
        choices.idleHeads = idleHeads
        choices.schedule = schedule
        choices.flips = flip
        choices.recalibratesBatchNorm = recalibrateBatchNorm
        choices.validationShare = validationShare
        choices.seed = seed
        return choices
    }

    private func printSummary(_ summary: TrainingRun.Summary) {
        let folder = summary.folder
        if let best = summary.state.best {
            print(
                "best epoch \(best.epoch): top-1 \(ConsoleProgress.percent(best.top1)) of \(summary.validationImages) images"
            )
        }
        if let last = summary.lastTop1 {
            print("last epoch \(summary.state.epoch): top-1 \(ConsoleProgress.percent(last))")
        }
        if let exported = summary.exported {
            print("exported (\(folder.onnx)): top-1 \(ConsoleProgress.percent(exported.top1))")
        }
        print("checkpoints: \(folder.best), \(folder.last); log: \(folder.log)")
        let photos = FileManager.default.fileExists(atPath: data + "/train") ? data + "/train" : data
        print(
            """
            next: tiny convert \(Words.quoted(folder.onnx)) --calibration \(Words.quoted(photos)) \
            -o \(Words.quoted(folder.path + "/model.tiny"))
            """)
    }

    private static func names<T: CaseIterable & RawRepresentable>(_ type: T.Type) -> String where T.RawValue == String {
        T.allCases.map(\.rawValue).joined(separator: ", ")
    }
}

extension NetworkConfiguration.Method: ExpressibleByArgument {}
extension NetworkConfiguration.HeadStyle: ExpressibleByArgument {}
extension Schedule: ExpressibleByArgument {}
extension SGD.WithoutGradient: ExpressibleByArgument {}

enum Words {
    /// As a shell would need it.
    static func quoted(_ word: String) -> String {
        let plain = word.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "-_./=+,@%:".utf8.contains(byte)
        }
        return plain && !word.isEmpty ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }
}
