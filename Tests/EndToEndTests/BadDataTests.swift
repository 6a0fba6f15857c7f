// BadDataTests: what people's folders really hold: nothing, one class, a class without photos, a truncated JPEG. Each must be named.

import Foundation
import TestSupport
import Testing

@Suite struct BadDataTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func put(_ names: [String], truncated: [String] = []) throws -> String {
        let photo = try Data(contentsOf: Golden.repository.appendingPathComponent("samples/typefaces/val/sans-lato/000.jpg"))
        for name in names + truncated {
            let url = folder.url.appendingPathComponent("data/" + name)
            try FileManager.default.createDirectory(
                at: name.hasSuffix("/") ? url : url.deletingLastPathComponent(), withIntermediateDirectories: true)
            if !name.hasSuffix("/") { try (truncated.contains(name) ? photo.prefix(photo.count / 2) : photo).write(to: url) }
        }
        return folder.path("data")
    }

    private func train(_ data: String, _ more: [String] = []) throws -> CommandResult {
        try Command.run(
            "tiny",
            [
                "train", "--data", data, "--out", folder.path("run"), "--method", "plain", "--width", "0.35", "--image-size", "32", "--epochs", "1",
                "--batch-size", "2",
            ] + more)
    }

    @Test func aMissingFolder() throws {
        let result = try train(folder.path("nowhere"))
        #expect(result.exitCode == 66 && result.errors.contains("nowhere"), "\(result.exitCode) \(result.errors)")
    }

    @Test func noPhotos() throws {
        let result = try train(put(["a/", "b/"]))
        #expect(result.exitCode == 65 && result.errors.contains("data"), "\(result.exitCode) \(result.errors)")
    }

    @Test func aClassWithoutPhotos() throws {
        let result = try train(put(["train/cat/1.jpg", "train/cat/2.jpg", "train/dog/", "val/cat/1.jpg"]))
        #expect(result.exitCode == 65 && result.errors.contains("dog"), "\(result.exitCode) \(result.errors)")
    }

    @Test func oneClassOnly() throws {
        let result = try train(put(["train/cat/1.jpg", "train/cat/2.jpg", "val/cat/1.jpg"]))
        #expect(result.exitCode == 65 && result.errors.contains("cat"), "\(result.exitCode) \(result.errors)")
    }

    @Test func aValidationClassThatTrainingLacks() throws {
        let result = try train(put(["train/cat/1.jpg", "train/dog/2.jpg", "val/cat/1.jpg", "val/hen/1.jpg"]))
        #expect(result.exitCode == 65 && result.errors.contains("hen"), "\(result.exitCode) \(result.errors)")
    }

    @Test func aTruncatedPhotoIsNamedSkippedAndCounted() throws {
        let data = try put(
            ["train/cat/1.jpg", "train/cat/2.jpg", "train/dog/1.jpg", "train/dog/2.jpg", "val/cat/1.jpg", "val/dog/1.jpg"],
            truncated: ["train/dog/broken.jpg"])
        let result = try train(data)
        #expect(result.exitCode == 0, "\(result.errors)")
        #expect(result.errors.contains("broken.jpg"))
        #expect(result.errors.contains("1 "))
        let strict = try Command.run(
            "tiny",
            [
                "train", "--data", data, "--out", folder.path("strict"), "--method", "plain", "--width", "0.35", "--image-size", "32", "--epochs",
                "1", "--batch-size", "2", "--strict",
            ])
        #expect(strict.exitCode == 65 && strict.errors.contains("broken.jpg"), "\(strict.exitCode) \(strict.errors)")
    }

    @Test func usageMistakes() throws {
        for arguments in [
            ["train"], ["train", "--data", "x", "--out", "y", "--image-size", "100"], ["train", "--data", "x", "--out", "y", "--epochs", "0"],
            ["classify"], ["convert"], ["nonsense"],
        ] {
            let result = try Command.run("tiny", arguments)
            #expect(result.exitCode == 64, "\(arguments): \(result.exitCode) \(result.errors)")
        }
        #expect(try Command.run("tinyrt", ["nonsense"]).exitCode == 64)
    }

    @Test(arguments: [
        "train", "export", "convert", "evaluate", "classify", "inspect", "benchmark", "infer",
    ]) func helpGivesAnExample(command: String) throws {
        let result = try Command.run("tiny", [command, "--help"])
        #expect(result.exitCode == 0)
        #expect(result.output.contains("tiny \(command) "), "no example in: \(result.output)")
    }
}
