// WholeWayTests: folder of photos in, label out, by the commands themselves: train → model.onnx → convert → .tiny → classify.
// A narrow network at 64 pixels learns for a few seconds: what is tested is the way, not the accuracy (tools/demo shows that).

import Foundation
import ImageCodec
import TestSupport
import Testing
import TinyRuntime

/// One trained and converted model, made once for all end-to-end tests.
enum Made {
    static let folder = Result { try TemporaryFolder() }
    static let model: Result<String, any Error> = Result {
        let run = try folder.get().path("run")
        let trained = try Command.run(
            "tiny",
            [
                "train", "--data", "samples/typefaces", "--out", run, "--method", "rmg-pmsi", "--heads", "separable", "--width", "0.35",
                "--image-size", "64", "--epochs", "2", "--batch-size", "16", "--lr", "0.05", "--no-flip", "--seed", "7",
            ])
        guard trained.exitCode == 0 else { throw CommandFailure(command: "train", result: trained) }
        let converted = try Command.run(
            "tiny",
            [
                "convert", run + "/model.onnx", "--calibration", "samples/typefaces/train", "--evaluate", "samples/typefaces/val", "-o",
                run + "/model.tiny",
            ])
        guard converted.exitCode == 0 else { throw CommandFailure(command: "convert", result: converted) }
        return run + "/model.tiny"
    }
    static var run: String { get throws { (try model.get() as NSString).deletingLastPathComponent } }
}

struct CommandFailure: Error {
    var command: String
    var result: CommandResult
}

private func validationPhotos() throws -> [String] {
    let root = Golden.repository.appendingPathComponent("samples/typefaces/val")
    let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
    return files.compactMap { ($0 as? URL)?.path }.filter(ImageFile.isImage(path:)).sorted()
}

private func json(_ line: some StringProtocol) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
}

@Suite(.serialized) struct WholeWayTests {
    @Test func everyInstructionSetGivesTheSameBytesOnEveryValidationImage() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Made.model.get()))
        let model = try data.withUnsafeBytes { try Model(copying: $0) }
        let plain = try Session(model: model, instructionSet: .plain)
        #expect(model.edge.steps.contains { $0.count == 4 } && model.edge.steps.count < model.edge.ops.count)
        let others = try InstructionSet.allCases.filter { $0 != .plain && $0.isAvailable }.flatMap { set in
            try [(1, false), (1, true), (2, true)].map { try Session(model: model, instructionSet: set, threads: $0, fused: $1) }
        }
        let photos = try validationPhotos()
        #expect(photos.count == 180)
        for photo in photos {
            let pixels = try ImageFile.decode(path: photo, for: model.edge.preprocessing).preprocessed(by: model.edge.preprocessing).pixels
            var hashes: [[UInt64]] = []
            for session in [plain] + others {
                _ = session.input.update(fromContentsOf: pixels)
                // Of the ops inside blocks that run as one: none.
                var hash = [UInt64](repeating: 0, count: model.edge.ops.count)
                session.run(afterEachStep: { step, output in
                    hash[session.steps[step].upperBound - 1] = XXH64.hash(UnsafeRawBufferPointer(output))
                })
                hashes.append(hash)
            }
            for (session, hash) in zip(others, hashes.dropFirst()) {
                let isEqual = session.steps.allSatisfy { hash[$0.upperBound - 1] == hashes[0][$0.upperBound - 1] }
                #expect(isEqual, "\(photo), \(session.instructionSet), \(session.steps.count) steps")
            }
        }
        // On a CPU without vector kernels only one is left to compare: said, not passed over in silence.
        if others.isEmpty { Issue.record("this CPU has no vector kernels to compare with plain C") }
    }

    @Test func theDevicesCommandSaysWhatTheWorkstationsSays() throws {
        let model = try Made.model.get()
        let photos = Array(try validationPhotos().prefix(5)) + ["samples/photos/coffee.jpg"]
        for options in [["--top", "3"], ["--json", "--top", "3"], ["--threshold", "0.95"], ["--threshold=1", "--json"]] {
            let host = try Command.run("tiny", ["classify", model] + photos + options)
            let device = try Command.run("tinyrt", ["classify", model] + photos + options)
            #expect(host.exitCode == 0, "\(host.errors)")
            #expect(device.exitCode == 0, "\(device.errors)")
            #expect(!host.output.isEmpty)
            #expect(host.output == device.output)
        }
        let selfTest = try Command.run("tinyrt", ["selftest", model])
        #expect(selfTest.exitCode == 0, "\(selfTest.errors)")
        let info = try Command.run("tinyrt", ["info", model])
        #expect(info.exitCode == 0 && info.output.contains("64"), "\(info.output)\(info.errors)")
    }

    @Test func classifyPrintsOneObjectALine() throws {
        let photo = try #require(try validationPhotos().first)
        let result = try Command.run("tiny", ["classify", Made.model.get(), photo, "--json", "--top", "12"])
        let object = try json(result.output)
        let predictions = try #require(object["predictions"] as? [[String: Any]])
        #expect(object["file"] as? String == photo)
        #expect(predictions.count == 12)
        #expect(Set(predictions.compactMap { $0["index"] as? Int }) == Set(0..<12))
        #expect(predictions.contains { $0["label"] as? String == "serif-garamond" })
        let probabilities = predictions.compactMap { $0["probability"] as? Double }
        #expect(probabilities == probabilities.sorted(by: >))
        #expect(abs(probabilities.reduce(0, +) - 1) < 1e-3)  // printed to four digits or more, twelve of them
    }

    @Test func floatCheckpointOnnxAndInt8AreEvaluatedAlike() throws {
        let run = try Made.run
        let folder = try TemporaryFolder()
        // As it stands in the checkpoint; model.onnx has its batch norm's averages estimated anew.
        let exported = try Command.run("tiny", ["export", run + "/best.safetensors", "-o", folder.path("best.onnx")])
        #expect(exported.exitCode == 0, "\(exported.errors)")
        var top1: [Double] = []
        for file in [run + "/best.safetensors", folder.path("best.onnx"), run + "/model.onnx", run + "/model.tiny"] {
            let result = try Command.run("tiny", ["evaluate", file, "--data", "samples/typefaces/val", "--json"])
            #expect(result.exitCode == 0, "\(file): \(result.errors)")
            let object = try json(result.output)
            #expect(object["images"] as? Int == 180)
            top1.append(try #require(object["top1"] as? Double))
        }
        // The ONNX file is the checkpoint, written down: its answers differ by float rounding at most, one photo in 180.
        #expect(abs(top1[0] - top1[1]) < 1.5 / 180)
        #expect(abs(top1[2] - top1[3]) < 0.1)
    }

    @Test func inferGivesTheSessionsLogits() throws {
        let folder = try TemporaryFolder()
        let model = try Made.model.get()
        // Two pictures of 64×64 pixels, by a formula; .npy version 1.0, header of 118 bytes after the first ten.
        let pixels = (0..<2 * 64 * 64 * 3).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 5) }
        var header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 64, 64, 3), }"
        header += String(repeating: " ", count: 117 - header.utf8.count) + "\n"
        try (Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0, 118, 0]) + Data(header.utf8) + Data(pixels)).write(
            to: URL(fileURLWithPath: folder.path("x.npy")))
        let result = try Command.run("tiny", ["infer", model, "--input", folder.path("x.npy"), "--output", folder.path("y.npy")])
        #expect(result.exitCode == 0, "\(result.errors)")
        let written = try Data(contentsOf: URL(fileURLWithPath: folder.path("y.npy")))
        let floats = written.suffix(2 * 12 * 4).withUnsafeBytes { raw in (0..<24).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) } }

        let session = try Session(model: Data(contentsOf: URL(fileURLWithPath: model)).withUnsafeBytes { try Model(copying: $0) })
        for image in 0..<2 {
            _ = session.input.update(fromContentsOf: pixels[image * 12288..<(image + 1) * 12288])
            session.run()
            #expect((0..<12).map { session.logit($0) } == Array(floats[image * 12..<(image + 1) * 12]))
        }
    }

    @Test func convertingAgainGivesTheSameFile() throws {
        let folder = try TemporaryFolder()
        let result = try Command.run(
            "tiny", ["convert", Made.run + "/model.onnx", "--calibration", "samples/typefaces/train", "-o", folder.path("again.tiny")])
        #expect(result.exitCode == 0, "\(result.errors)")
        #expect(try Data(contentsOf: folder.url.appendingPathComponent("again.tiny")) == Data(contentsOf: URL(fileURLWithPath: Made.model.get())))
    }

    @Test func tooLittleAgreementPublishesNothing() throws {
        let folder = try TemporaryFolder()
        let result = try Command.run(
            "tiny",
            [
                "convert", Made.run + "/model.onnx", "--calibration", "samples/typefaces/train", "-o", folder.path("no.tiny"), "--min-agreement",
                "1.0", "--images", "2", "--evaluate", "samples/typefaces/val", "--report", folder.path("why.html"), "--report",
                folder.path("why.json"),
            ])
        // Two calibration images cannot keep every one of 180 answers of a barely trained network.
        #expect(result.exitCode == 1, "\(result.output)\(result.errors)")
        // Nothing but the reports, which are wanted most now.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() == ["why.html", "why.json"])
        let report = try json(String(contentsOfFile: folder.path("why.json"), encoding: .utf8))
        let equal = try #require(report["equal_answers"] as? Int)
        let page = try String(contentsOfFile: folder.path("why.html"), encoding: .utf8)
        #expect(equal < 180 && page.contains("on \(equal) of 180 photos"))
        #expect(page.contains("tiny convert") && page.contains("--min-agreement 1.0") && page.hasSuffix("</html>\n"))
        // A picture for each answer that changed, up to 24.
        #expect(page.components(separatedBy: "data:image/jpeg;base64,").count - 1 == min(180 - equal, 24))
    }

    @Test func aContractThatInspectPrintsConvertsToTheSameFile() throws {
        let folder = try TemporaryFolder()
        let inspected = try Command.run("tiny", ["inspect", Made.run + "/model.onnx", "--json"])
        #expect(inspected.exitCode == 0, "\(inspected.errors)")
        try Data(inspected.output.utf8).write(to: URL(fileURLWithPath: folder.path("contract.json")))
        let converted = try Command.run(
            "tiny",
            [
                "convert", Made.run + "/model.onnx", "--calibration", "samples/typefaces/train", "-o", folder.path("again.tiny"), "--contract",
                folder.path("contract.json"),
            ])
        #expect(converted.exitCode == 0, "\(converted.errors)")
        #expect(try Data(contentsOf: folder.url.appendingPathComponent("again.tiny")) == Data(contentsOf: URL(fileURLWithPath: Made.model.get())))
        // A .tiny file's contract is the same but for mean and std, which went into its weights.
        let edge = try json(Command.run("tiny", ["inspect", Made.model.get(), "--json"]).output)
        var contract = try #require(try json(inspected.output)["contract"] as? [String: Any])
        contract["mean"] = nil
        contract["std"] = nil
        #expect(try NSDictionary(dictionary: contract) == NSDictionary(dictionary: #require(edge["contract"] as? [String: Any])))

        try Data(#"{"labels": ["cat"]}"#.utf8).write(to: URL(fileURLWithPath: folder.path("cat.json")))
        let refused = try Command.run(
            "tiny",
            [
                "convert", Made.run + "/model.onnx", "--calibration", "samples/typefaces/train", "-o", folder.path("cat.tiny"), "--contract",
                folder.path("cat.json"),
            ])
        #expect(refused.exitCode == 65 && refused.errors.contains("1 labels for a network of 12 classes"), "\(refused.errors)")
        let unknown = try Command.run(
            "tiny",
            [
                "convert", Made.run + "/model.onnx", "--calibration", "samples/typefaces/train", "-o", folder.path("cat.tiny"), "--report",
                folder.path("report.txt"),
            ])
        #expect(unknown.exitCode == 64 && unknown.errors.contains(".html"), "\(unknown.errors)")
    }

    @Test func damagedModelsAreRefused() throws {
        let folder = try TemporaryFolder()
        let photo = try #require(try validationPhotos().first)
        var tiny = try Data(contentsOf: URL(fileURLWithPath: Made.model.get()))
        tiny[tiny.count / 2] ^= 1
        try tiny.write(to: URL(fileURLWithPath: folder.path("damaged.tiny")))
        try tiny.prefix(1000).write(to: URL(fileURLWithPath: folder.path("short.tiny")))
        let onnx = try Data(contentsOf: URL(fileURLWithPath: Made.run + "/model.onnx"))
        try onnx.prefix(onnx.count / 2).write(to: URL(fileURLWithPath: folder.path("damaged.onnx")))
        let checkpoint = try Data(contentsOf: URL(fileURLWithPath: Made.run + "/best.safetensors"))
        try checkpoint.prefix(checkpoint.count / 2).write(to: URL(fileURLWithPath: folder.path("damaged.safetensors")))
        let cases = [
            ("tiny", ["classify", folder.path("damaged.tiny"), photo], "damaged.tiny"),
            ("tinyrt", ["classify", folder.path("damaged.tiny"), photo], "damaged.tiny"),
            ("tinyrt", ["info", folder.path("short.tiny")], "short.tiny"),
            ("tiny", ["inspect", folder.path("short.tiny")], "short.tiny"),
            (
                "tiny", ["convert", folder.path("damaged.onnx"), "--calibration", "samples/typefaces/train", "-o", folder.path("x.tiny")],
                "damaged.onnx"
            ),
            ("tiny", ["export", folder.path("damaged.safetensors"), "-o", folder.path("x.onnx")], "damaged.safetensors"),
            ("tiny", ["evaluate", folder.path("damaged.safetensors"), "--data", "samples/typefaces/val"], "damaged.safetensors"),
        ]
        for (name, arguments, named) in cases {
            let result = try Command.run(name, arguments)
            #expect(result.exitCode == 65, "\(name) \(arguments): \(result.exitCode) \(result.errors)")
            #expect(result.errors.contains(named), "\(name) \(arguments): \(result.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path("x.tiny")))
        #expect(!FileManager.default.fileExists(atPath: folder.path("x.onnx")))
    }

    @Test func aFullDiskLeavesTheEarlierFile() throws {
        let folder = try TemporaryFolder()
        let target = folder.path("model.onnx")
        try Data("earlier".utf8).write(to: URL(fileURLWithPath: target))
        // A limit on file sizes stands for the full disk: writing ends after 64 KB with an error, as there.
        let result = try Command.run("tiny", ["export", Made.run + "/best.safetensors", "-o", target], shell: "trap '' XFSZ; ulimit -f 64")
        #expect(result.exitCode == 74, "\(result.errors)")
        #expect(result.errors.contains("model.onnx"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: target)) == Data("earlier".utf8))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["model.onnx"])
    }

    @Test func anInterruptedTrainingGoesOn() throws {
        let folder = try TemporaryFolder()
        let run = folder.path("run")
        let options = [
            "train", "--data", "samples/typefaces", "--out", run, "--method", "plain", "--width", "0.35", "--image-size", "32", "--epochs",
            "40", "--batch-size", "16", "--no-flip",
        ]
        let stopped = try Command.run(
            "tiny", options, onErrorLine: { line, process in if line.contains("epoch 2 ") { process.interrupt() } })
        #expect(stopped.exitCode == 130, "\(stopped.errors)")
        #expect(stopped.errors.contains("--resume"))
        #expect(FileManager.default.fileExists(atPath: run + "/last.safetensors"))
        let again = try Command.run("tiny", options)
        #expect(again.exitCode != 0 && again.errors.contains("--resume"), "a run must not be written over: \(again.errors)")
        let resumed = try Command.run("tiny", ["train", "--data", "samples/typefaces", "--out", run, "--resume"])
        #expect(resumed.exitCode == 0, "\(resumed.errors)")
        let log = try String(contentsOfFile: run + "/log.csv", encoding: .utf8).split(separator: "\n")
        #expect(log.count == 41)  // a header, and each of the 40 epochs once
    }
}
