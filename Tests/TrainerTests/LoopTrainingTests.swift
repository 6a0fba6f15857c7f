// Whole runs on a few photos: resumed equals uninterrupted, bit for bit; what stops a run leaves its last checkpoint; refusals say why.

import Foundation
import ModelGraph
import TestSupport
import Testing
import Trainer

@Suite struct LoopTrainingTests {
    private func request(_ folder: TemporaryFolder, out: String, epochs: Int = 4) -> TrainingRun.Request {
        var request = TrainingRun.Request(
            data: folder.path + "/photos", out: folder.path + "/" + out, threads: 1, workers: 2)
        request.choices.heads = .separable
        request.choices.width = 0.1
        request.choices.imageSize = 32
        request.choices.epochs = epochs
        request.choices.freezeEpochs = 1
        request.choices.batchSize = 4
        request.choices.learningRate = 0.01
        request.choices.seed = 3
        return request
    }

    /// Only what a resumed run is given on the command line.
    private func resumption(of request: TrainingRun.Request) -> TrainingRun.Request {
        var resumed = request
        resumed.choices = RecipeChoices()
        resumed.isResumed = true
        return resumed
    }

    private func bytes(_ folder: TemporaryFolder, _ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + name))
    }

    /// log.csv without the two columns that hold times.
    private func log(_ folder: TemporaryFolder, _ run: String) throws -> [[Substring]] {
        String(decoding: try bytes(folder, run + "/log.csv"), as: UTF8.self).split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).dropLast(2)
        }
    }

    @Test(arguments: [NetworkConfiguration.Method.rmgPMSI, .plain])
    func aResumedRunEqualsAnUninterruptedOne(method: NetworkConfiguration.Method) throws {
        let folder = try TemporaryFolder()
        try makePhotos(folder)
        var whole = request(folder, out: "whole")
        whole.choices.method = method
        let summary = try TrainingRun.run(whole, stop: StopSignal()) { _ in }
        #expect(summary.state.epoch == 4)
        #expect(summary.state.iteration == 12)
        #expect(summary.validationImages == 6)

        // Stopped in the middle of the third epoch, with more threads decoding.
        var parts = request(folder, out: "parts")
        parts.choices.method = method
        parts.workers = 3
        let stopped = Shared<Int32?>(nil)
        let error = #expect(throws: TrainingError.self) {
            try TrainingRun.run(parts, stop: StopSignal { stopped.value }) { event in
                if case .training(.batch(let progress)) = event, progress.epoch == 3, progress.batch == 1 {
                    stopped.value = 2
                }
            }
        }
        let checkpoint = folder.path + "/parts/last.safetensors"
        #expect(error == .interrupted(signal: 2, finishedEpochs: 2, checkpoint: checkpoint))
        #expect(try Checkpoint(path: checkpoint).state.epoch == 2)
        #expect(try log(folder, "parts").count == 3)

        _ = try TrainingRun.run(resumption(of: parts), stop: StopSignal()) { _ in }
        for file in ["last.safetensors", "best.safetensors", "model.onnx"] {
            #expect(try bytes(folder, "parts/" + file) == bytes(folder, "whole/" + file), "\(file)")
        }
        #expect(try log(folder, "parts") == log(folder, "whole"))
        #expect(try log(folder, "whole").map(\.count) == [Int](repeating: method == .plain ? 8 : 14, count: 5))

        // A complete run resumed trains no more and exports the same.
        _ = try TrainingRun.run(resumption(of: parts), stop: StopSignal()) { event in
            if case .training(.batch) = event { Issue.record("a batch after the last epoch") }
        }
        #expect(try bytes(folder, "parts/model.onnx") == bytes(folder, "whole/model.onnx"))
    }

    @Test func theSeedDecides() throws {
        let folder = try TemporaryFolder()
        try makePhotos(folder)
        var first = request(folder, out: "first", epochs: 1)
        first.choices.method = .plain
        var second = first
        second.out = folder.path + "/second"
        second.choices.seed = 4
        for request in [first, second] { _ = try TrainingRun.run(request, stop: StopSignal()) { _ in } }
        #expect(
            try Checkpoint(path: first.out + "/last.safetensors").entries
                != Checkpoint(path: second.out + "/last.safetensors").entries)
    }

    @Test func refusals() throws {
        let folder = try TemporaryFolder()
        try makePhotos(folder)
        var request = request(folder, out: "run", epochs: 1)
        request.choices.method = .plain
        #expect(throws: TrainingError.nothingToResume(folder: request.out)) {
            try TrainingRun.run(resumption(of: request), stop: StopSignal()) { _ in }
        }
        _ = try TrainingRun.run(request, stop: StopSignal()) { _ in }
        let before = try bytes(folder, "run/last.safetensors")
        #expect(throws: TrainingError.runExists(folder: request.out)) {
            try TrainingRun.run(request, stop: StopSignal()) { _ in }
        }
        var other = resumption(of: request)
        other.choices.learningRate = 0.5
        other.choices.width = 0.1
        #expect(throws: TrainingError.differentRecipe(folder: request.out, fields: ["learningRate: 0.5, not 0.01"])) {
            try TrainingRun.run(other, stop: StopSignal()) { _ in }
        }
        try folder.writePPM("photos/train/class0/new.ppm")
        #expect(throws: TrainingError.differentPhotos(folder: request.out, data: request.data)) {
            try TrainingRun.run(resumption(of: request), stop: StopSignal()) { _ in }
        }
        #expect(try bytes(folder, "run/last.safetensors") == before)

        var large = request
        large.out = folder.path + "/large"
        large.choices.batchSize = 64
        #expect(throws: DatasetError.batchTooLarge(batchSize: 64, images: 13)) {
            try TrainingRun.run(large, stop: StopSignal()) { _ in }
        }
        #expect(!FileManager.default.fileExists(atPath: large.out), "nothing was begun")
    }

    @Test func badPhotosAreSkippedOrRefused() throws {
        let folder = try TemporaryFolder()
        try makePhotos(folder)
        try folder.write(Data("no photo".utf8), to: "photos/train/class1/broken.jpg")
        var request = request(folder, out: "run", epochs: 1)
        request.choices.method = .plain
        var notes: [String] = []
        let summary = try TrainingRun.run(request, stop: StopSignal()) { event in
            if case .note(let text) = event { notes.append(text) }
        }
        let path = folder.path + "/photos/train/class1/broken.jpg"
        #expect(summary.state.skippedImages == 1)
        #expect(notes.count { $0.hasPrefix("skipped: \(path): ") } == 1)
        request.isStrict = true
        request.out = folder.path + "/strict"
        let error = #expect(throws: DatasetError.self) { try TrainingRun.run(request, stop: StopSignal()) { _ in } }
        guard case .badImage(path, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        // A class whose only photos are broken has none.
        try folder.write(Data("no photo".utf8), to: "photos/train/hollow/broken.jpg")
        request.isStrict = false
        #expect(throws: DatasetError.emptyClasses(folder: request.data, classes: ["hollow"])) {
            try TrainingRun.run(request, stop: StopSignal()) { _ in }
        }
    }

    @Test func aLossThatIsNoNumberStopsTheRun() throws {
        let folder = try TemporaryFolder()
        try makePhotos(folder)
        var request = request(folder, out: "run", epochs: 2)
        request.choices.method = .plain
        _ = try TrainingRun.run(request, stop: StopSignal()) { _ in }
        var weights = try Safetensors(data: try bytes(folder, "run/best.safetensors"))
        // Finite, as a weights file must be; the logits are not.
        let count = try #require(weights.entries["classifier.1.weight"]).values.count
        weights.entries["classifier.1.weight"]?.values = [Float](repeating: 3e38, count: count)
        try folder.write(try weights.data(), to: "broken.safetensors")
        request.out = folder.path + "/nan"
        request.weights = folder.path + "/broken.safetensors"
        let error = #expect(throws: TrainingError.self) { try TrainingRun.run(request, stop: StopSignal()) { _ in } }
        guard case .diverged(1, _, 1, 1, 0, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(!FileManager.default.fileExists(atPath: request.out + "/last.safetensors"))
    }

    @Test func aFailedWriteLeavesTheEarlierFile() throws {
        let folder = try TemporaryFolder()
        try makePhotos(folder)
        var request = request(folder, out: "run", epochs: 3)
        request.choices.method = .plain
        let last = request.out + "/last.safetensors"
        var afterFirst = Data()
        // Where the second epoch's temporary file would go stands a folder.
        #expect {
            try TrainingRun.run(request, stop: StopSignal()) { event in
                guard case .training(.epoch(let record, _)) = event, record.epoch == 1 else { return }
                afterFirst = (try? Data(contentsOf: URL(fileURLWithPath: last))) ?? Data()
                try? FileManager.default.createDirectory(
                    atPath: last + ".part-\(getpid())", withIntermediateDirectories: false)
            }
        } throws: { error in
            guard case .notWritten(last, _)? = error as? FileError else { return false }
            return true
        }
        #expect(try bytes(folder, "run/last.safetensors") == afterFirst)
        #expect(try Checkpoint(path: last).state.epoch == 1)

        try folder.write(Data(), to: "file")
        request.out = folder.path + "/file/run"
        #expect {
            try TrainingRun.run(request, stop: StopSignal()) { _ in }
        } throws: { error in
            guard case .notWritten(folder.path + "/file/run", _)? = error as? FileError else { return false }
            return true
        }
    }

    @Test func aCheckpointServesAsWeights() throws {
        let folder = try TemporaryFolder()
        try makePhotos(folder)
        var request = request(folder, out: "run", epochs: 1)
        _ = try TrainingRun.run(request, stop: StopSignal()) { _ in }
        request.weights = request.out + "/best.safetensors"
        request.out = folder.path + "/next"
        request.choices.width = nil
        request.choices.learningRate = 0
        request.choices.backboneLearningRate = 0
        request.choices.weightDecay = 0
        var notes = ""
        _ = try TrainingRun.run(request, stop: StopSignal()) { event in
            if case .note(let text) = event { notes += text }
        }
        #expect(!notes.contains("start new") && !notes.contains("missing"), "\(notes)")
        // Without a learning rate only batch norm's averages and the momentum differ.
        let before = try Checkpoint(path: folder.path + "/run/best.safetensors")
        let after = try Checkpoint(path: folder.path + "/next/last.safetensors")
        #expect(after.recipe.network == before.recipe.network)
        #expect(before.entries.count == after.entries.count)
        for (name, entry) in before.entries where !name.hasPrefix("optimizer.") && !name.contains("running_") {
            #expect(after.entries[name] == entry, "\(name)")
        }
    }

    @Test func theBestEpochHasTheHighestTop1ThenTheLowestLoss() {
        func result(_ top1: Double, _ loss: Double) -> Validation {
            Validation(images: 10, headTop1: [top1], top1: top1, loss: loss)
        }
        let best = TrainingState.Best(epoch: 1, top1: 0.5, loss: 1)
        #expect(TrainingLoop.isBetter(result(0.1, 9), than: nil))
        #expect(TrainingLoop.isBetter(result(0.6, 2), than: best))
        #expect(TrainingLoop.isBetter(result(0.5, 0.9), than: best))
        #expect(!TrainingLoop.isBetter(result(0.5, 1), than: best))
        #expect(!TrainingLoop.isBetter(result(0.4, 0.1), than: best))
        #expect(!TrainingLoop.isBetter(result(0.5, .nan), than: best))
        #expect(!TrainingLoop.isBetter(nil, than: nil))
    }
}
