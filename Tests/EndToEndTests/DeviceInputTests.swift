// DeviceInputTests: what `tinyrt` is given: files, folders, streams, and bad ones of each: one line, an exit code, and the rest goes on.

import Foundation
import TestSupport
import Testing

@Suite struct DeviceInputTests {
    let folder: TemporaryFolder
    let model: String
    let photo: Data
    init() throws {
        folder = try TemporaryFolder()
        model = try Made.model.get()
        photo = try Data(contentsOf: Golden.repository.appendingPathComponent("samples/photos/coffee.jpg"))
    }

    private func put(_ name: String, _ data: Data) throws {
        let url = folder.url.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
    }

    /// The names of the photos that were answered.
    private func answered(_ result: CommandResult) throws -> [String] {
        try result.output.split(separator: "\n").map { line in
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            return try #require(object["file"] as? String)
        }
    }

    @Test func foldersInTheOrderOfTheirBytes() throws {
        for name in ["p/b.JPG", "p/Z.jpeg", "p/a/2.jpg", "p/a/10.jpg", "p/.hidden.jpg", "p/._b.jpg", "p/note.txt"] { try put(name, photo) }
        try FileManager.default.createSymbolicLink(atPath: folder.path("p/a/loop"), withDestinationPath: "..")
        try FileManager.default.createDirectory(atPath: folder.path("empty"), withIntermediateDirectories: true)
        let result = try Command.run("tinyrt", ["classify", model, "--json", folder.path("p")])
        #expect(result.exitCode == 0 && result.errors == "", "\(result.errors)")
        #expect(try answered(result) == ["Z.jpeg", "a/10.jpg", "a/2.jpg", "b.JPG"].map { folder.path("p/" + $0) })
        let empty = try Command.run("tinyrt", ["classify", model, folder.path("empty")])
        #expect(empty.exitCode == 66 && empty.errors.contains("/empty: "), "\(empty.exitCode) \(empty.errors)")
    }

    @Test func aStreamIsAnsweredAsAFileIs() throws {
        let other = try Data(contentsOf: Golden.repository.appendingPathComponent("samples/photos/chelsea.jpg"))
        let stream = photo + Data([0, 0, 0]) + other + photo
        let result = try Command.run("tinyrt", ["classify", model, "-"], input: stream)
        #expect(result.exitCode == 0 && result.errors == "", "\(result.errors)")
        let files = try Command.run("tinyrt", ["classify", model, "samples/photos/coffee.jpg", "samples/photos/chelsea.jpg", "samples/photos/coffee.jpg"])
        var expected = files.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var image = 0
        for index in expected.indices where expected[index].hasPrefix("samples") {
            image += 1
            expected[index] = "stream:\(image)"
        }
        #expect(image == 3)
        #expect(result.output == expected.joined(separator: "\n"))
    }

    @Test(arguments: ["1", "2"]) func aStreamIsAnsweredAtOnce(threads: String) throws {
        let command = try RunningCommand("tinyrt", ["classify", model, "--json", "-", "--threads", threads])
        for image in 1...3 {
            try command.write(photo)
            // The stream is still open: the answer does not wait for more.
            #expect(command.outputLine()?.contains("\"stream:\(image)\"") == true)
        }
        try command.closeInput()
        command.process.waitUntilExit()
        #expect(command.process.terminationStatus == 0)
    }

    /// What is printed, said and returned does not depend on the thread that decodes ahead.
    @Test func decodingAheadChangesNothing() throws {
        for name in ["p/a.jpg", "p/b/c.jpg", "p/b/d.jpg", "p/e.jpg", "p/f.jpg"] { try put(name, photo) }
        try put("p/b/cut.jpg", photo.prefix(photo.count / 3))
        let stream = photo + Data("garbage".utf8) + photo + photo + photo.prefix(10_000)
        let names = [folder.path("p"), folder.path("nowhere.jpg"), "-", "samples/photos/chelsea.jpg"]
        let here = try Command.run("tinyrt", ["classify", model] + names, input: stream)
        let ahead = try Command.run("tinyrt", ["classify", model, "--threads", "2"] + names, input: stream)
        #expect(here.output.split(separator: "\n").count { !$0.hasPrefix(" ") } == 9, "\(here.output)")
        #expect(ahead.output == here.output)
        #expect(ahead.errors == here.errors && ahead.errors.split(separator: "\n").count == 4, "\(ahead.errors)")
        #expect(ahead.exitCode == 65 && here.exitCode == 65)
    }

    @Test func badStreams() throws {
        let cases: [(Data, answers: Int, words: [String])] = [
            (photo + photo.prefix(20_000), 1, ["stream:2: truncated"]),
            (photo.prefix(20_000) + photo, 1, ["stream:1: truncated"]),
            (photo + Data("--frame\r\n\r\n".utf8) + photo + Data("--frame\r\n\r\n".utf8) + photo, 3, ["standard input: "]),
            (Data("GIF89a and so on".utf8), 0, ["standard input: ", "no JPEG"]),
        ]
        for (stream, answers, words) in cases {
            let result = try Command.run("tinyrt", ["classify", model, "--json", "-"], input: stream)
            #expect(try answered(result).count == answers)
            #expect(result.exitCode == 65, "\(result.errors)")
            for word in words { #expect(result.errors.contains(word), "\(result.errors)") }
            #expect(result.errors.components(separatedBy: "no JPEG;").count <= 2, "said once: \(result.errors)")
        }
        let nothing = try Command.run("tinyrt", ["classify", model, "-"])
        #expect(nothing.exitCode == 66, "\(nothing.errors)")
    }

    @Test func badPhotosAreNamedAndTheOthersClassified() throws {
        // The size in the frame header, FF C0 length precision height width, becomes 65,000 × 65,000.
        var huge = photo
        let header = try #require((0..<huge.count - 9).first { huge[$0] == 0xFF && [0xC0, 0xC1, 0xC2].contains(huge[$0 + 1]) })
        huge.replaceSubrange(header + 5..<header + 9, with: [0xFD, 0xE8, 0xFD, 0xE8])
        let cases: [(String, Data, String)] = [
            ("cut.jpg", photo.prefix(photo.count / 2), "truncated"), ("huge.jpg", huge, "65000"),
            ("text.jpg", Data("not a photo".utf8), "not a JPEG"), ("empty.jpg", Data(), "empty"),
        ]
        for (name, data, word) in cases {
            try put(name, data)
            let result = try Command.run("tinyrt", ["classify", model, "--json", folder.path(name), "samples/photos/coffee.jpg"])
            #expect(result.exitCode == 65)
            #expect(try answered(result) == ["samples/photos/coffee.jpg"])
            #expect(result.errors.split(separator: "\n").count == 1 && result.errors.contains(name) && result.errors.contains(word), "\(result.errors)")
        }
        let missing = try Command.run("tinyrt", ["classify", model, folder.path("nowhere.jpg"), "samples/photos/coffee.jpg"])
        #expect(missing.exitCode == 66 && missing.errors.contains("nowhere.jpg"), "\(missing.errors)")
    }

    @Test func badModelsAreNamedByEveryCommand() throws {
        let good = try Data(contentsOf: URL(fileURLWithPath: model))
        let cases: [(String, Data, String)] = [
            ("newer", EdgeModelVariants.newerVersion(good), "version"), ("cut", good.prefix(good.count / 2), "cut off"),
            ("checksum", EdgeModelVariants.changed(good, checksumFits: false) { $0[$0.count / 2] ^= 1 }, "checksum"),
            ("op", EdgeModelVariants.unknownOp(good), "unknown op (op 0)"), ("empty", Data(), "shorter"),
        ]
        for (name, data, word) in cases {
            let path = folder.path(name + ".tiny")
            try data.write(to: URL(fileURLWithPath: path))
            for arguments in [
                ["classify", path, "samples/photos/coffee.jpg"], ["watch", path, folder.url.path], ["benchmark", path], ["info", path],
                ["selftest", path], ["verify", path], ["install", path, "--as", folder.path("x.tiny")],
            ] {
                let result = try Command.run("tinyrt", arguments)
                #expect(result.exitCode == 65, "\(arguments): \(result.exitCode) \(result.errors)")
                #expect(
                    result.errors.split(separator: "\n").count == 1 && result.errors.contains(name + ".tiny") && result.errors.contains(word),
                    "\(arguments): \(result.errors)")
                #expect(result.output == "")
            }
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path("x.tiny")))
        let several = try Command.run("tinyrt", ["verify", model, folder.path("cut.tiny"), folder.path("none.tiny"), model])
        #expect(several.exitCode == 65 && several.output.split(separator: "\n").count == 2, "\(several.output)\(several.errors)")
        #expect(try Command.run("tinyrt", ["verify", folder.path("none.tiny")]).exitCode == 66)
    }

    @Test func thresholdsReject() throws {
        let photo = "samples/photos/coffee.jpg"
        for (threshold, rejected) in [("0", "false"), ("0.0", "false"), ("1", "true"), (".999", "true")] {
            let result = try Command.run("tinyrt", ["classify", model, photo, "--json", "--threshold", threshold])
            #expect(result.output.hasSuffix("\"rejected\":\(rejected)}\n"), "\(threshold): \(result.output)\(result.errors)")
        }
    }

    @Test func usageMistakes() throws {
        for arguments in [
            [], ["nonsense"], ["classify"], ["classify", model], ["classify", model, "x", "--top", "0"], ["classify", model, "x", "--top"],
            ["classify", model, "x", "--threshold", "1.1"], ["classify", model, "x", "--threshold", "."], ["classify", model, "x", "--json=1"],
            ["classify", model, "x", "--threads", "65"], ["watch", model], ["watch", model, "a", "b"], ["benchmark", model, "--runs", "0"],
            ["benchmark", model, "--isa", "mmx"], ["benchmark", model, "--trace"], ["benchmark", model, "--profile=1"], ["install", model], ["install", model, "--as"], ["rollback"], ["verify"], ["info", "--as", "x"],
        ] {
            let result = try Command.run("tinyrt", arguments)
            #expect(result.exitCode == 64, "\(arguments): \(result.exitCode) \(result.errors)")
            #expect(result.errors.contains("--help"), "\(arguments): \(result.errors)")
        }
    }

    @Test(arguments: ["classify", "watch", "benchmark", "info", "selftest", "verify", "install", "rollback"])
    func helpGivesAnExample(command: String) throws {
        let result = try Command.run("tinyrt", [command, "--help"])
        #expect(result.exitCode == 0)
        #expect(result.output.components(separatedBy: "tinyrt \(command) ").count > 2, "no example in: \(result.output)")
    }

    @Test func resultsThatCannotBeWritten() throws {
        for arguments in [["classify", model, "samples/photos/coffee.jpg"], ["info", model], ["verify", model], ["--help"]] {
            let result = try Command.run("tinyrt", arguments, shell: "exec >/dev/full")
            #expect(result.exitCode == 74 && result.errors.contains("standard output"), "\(arguments): \(result.exitCode) \(result.errors)")
        }
    }

    /// No environment, a folder that cannot be written, no rights: as a service has it.
    @Test func withoutEnvironmentAndRights() throws {
        let expected = try Command.run("tinyrt", ["classify", model, "samples/photos/coffee.jpg"])
        let copy = folder.path("photo.jpg")
        try photo.write(to: URL(fileURLWithPath: copy))
        try FileManager.default.copyItem(atPath: model, toPath: folder.path("model.tiny"))
        // The tests may run as root, who has rights that no service should need.
        let drop = getuid() == 0 ? "setpriv --reuid 65534 --regid 65534 --clear-groups" : ""
        let readable = try Command.run("tinyrt", ["--version"], shell: "cd /proc; \(drop) true && \(drop) test -x \"$0\" && \(drop) test -r \(copy) || exit 9")
        guard readable.exitCode != 9 else { return }  // this checkout lies where only root may look, or there is no setpriv
        let result = try Command.run(
            "tinyrt", ["classify", folder.path("model.tiny"), copy], shell: "cd /proc; exec \(drop) env -i \"$0\" \"$@\"")
        #expect(result.exitCode == 0 && result.errors == "", "\(result.errors)")
        #expect(result.output == expected.output.replacingOccurrences(of: "samples/photos/coffee.jpg", with: copy))
    }
}
