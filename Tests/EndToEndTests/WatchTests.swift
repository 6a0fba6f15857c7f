// WatchTests: `tinyrt watch`: each complete photo once; what is bad, gone or replaced is said and watching goes on.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct WatchTests {
    let folder: TemporaryFolder
    let photo: Data
    let model: String
    var watched: String { folder.path("watched") }

    init() throws {
        folder = try TemporaryFolder()
        photo = try Data(contentsOf: Golden.repository.appendingPathComponent("samples/photos/coffee.jpg"))
        model = folder.path("model.tiny")
        try FileManager.default.copyItem(atPath: Made.model.get(), toPath: model)
        try makeFolder()
    }

    private func makeFolder() throws { try FileManager.default.createDirectory(atPath: watched, withIntermediateDirectories: true) }
    private func put(_ name: String, _ data: Data? = nil) throws { try (data ?? photo).write(to: URL(fileURLWithPath: watched + "/" + name)) }
    private func move(_ name: String, _ new: String) throws {
        try FileManager.default.moveItem(atPath: watched + "/" + name, toPath: watched + "/" + new)
    }

    /// Started, and watching.
    private func watch(_ options: [String] = []) throws -> RunningCommand {
        let command = try RunningCommand("tinyrt", ["watch", model, watched, "--json"] + options)
        let line = command.errorLine() ?? ""
        #expect(line.contains("watching"), "\(line)")
        return command
    }

    private func expectAnswer(_ command: RunningCommand, _ name: String) {
        let line = command.outputLine() ?? "the end"
        #expect(line.contains("\"file\":\"\(watched)/\(name)\""), "expected \(name), got \(line)")
    }

    @Test(arguments: [SIGTERM, SIGINT]) func newPhotosAreAnsweredOnce(signal: Int32) throws {
        try put("old.jpg")
        let command = try watch()
        try put("new.jpg")
        expectAnswer(command, "new.jpg")
        try put(".hidden.jpg")
        try put("moving.jpg.part")
        try put("other.tmp")
        try put("text.txt")
        try FileManager.default.createDirectory(atPath: watched + "/folder.jpg", withIntermediateDirectories: true)
        try move("moving.jpg.part", "moved.jpg")
        expectAnswer(command, "moved.jpg")
        // Opened for writing and closed again: nothing new.
        for name in ["new.jpg", "old.jpg", "moved.jpg"] { try #require(FileHandle(forWritingAtPath: watched + "/" + name)).close() }
        try put("last.JPEG")
        expectAnswer(command, "last.JPEG")
        try put("new.jpg", photo + Data([0]))  // written again
        expectAnswer(command, "new.jpg")
        #expect(command.end(signal) == 0)
        #expect(command.outputLine() == nil)
        #expect(command.errorLine() == nil)
    }

    @Test func existingPhotosFirst() throws {
        for name in ["b.jpg", "a.jpg", ".c.jpg"] { try put(name) }
        let command = try watch(["--existing", "--top", "1"])
        expectAnswer(command, "a.jpg")
        expectAnswer(command, "b.jpg")
        try put("d.jpg")
        expectAnswer(command, "d.jpg")
        #expect(command.end() == 0)
    }

    @Test func aBadPhotoIsALineAndWatchingGoesOn() throws {
        let command = try watch()
        try put("cut.jpg", photo.prefix(20_000))
        try put("good.jpg")
        expectAnswer(command, "good.jpg")
        let line = command.errorLine() ?? ""
        #expect(line.contains("cut.jpg: truncated"), "\(line)")
        // Written on by a writer that opens it again: whole now.
        let handle = try #require(FileHandle(forWritingAtPath: watched + "/cut.jpg"))
        try handle.seekToEnd()
        try handle.write(contentsOf: photo.dropFirst(20_000))
        try handle.close()
        expectAnswer(command, "cut.jpg")
        #expect(command.end() == 0)
        #expect(command.errorLine() == nil)
    }

    @Test func aWriterInSeveralOpensIsNoError() throws {
        let command = try watch()
        for part in 0..<4 {
            let bytes = photo.dropFirst(part * photo.count / 4).prefix((part + 1) * photo.count / 4 - part * photo.count / 4)
            if part == 0 { try put("slow.jpg", bytes) }
            guard part > 0, let handle = FileHandle(forWritingAtPath: watched + "/slow.jpg") else { continue }
            try handle.seekToEnd()
            try handle.write(contentsOf: bytes)
            try handle.close()
        }
        expectAnswer(command, "slow.jpg")
        #expect(command.end() == 0)
        #expect(command.errorLine() == nil)
    }

    @Test func aFolderThatVanishesIsWaitedFor() throws {
        let command = try watch()
        try put("first.jpg")
        expectAnswer(command, "first.jpg")
        try FileManager.default.removeItem(atPath: watched)
        #expect(command.errorLine()?.contains("is gone") == true)
        try makeFolder()
        #expect(command.errorLine()?.contains("is back") == true)
        try put("second.jpg")
        expectAnswer(command, "second.jpg")
        // Moved away, and come back with one photo more.
        try FileManager.default.moveItem(atPath: watched, toPath: folder.path("elsewhere"))
        #expect(command.errorLine()?.contains("is gone") == true)
        try photo.write(to: URL(fileURLWithPath: folder.path("elsewhere/third.jpg")))
        try FileManager.default.moveItem(atPath: folder.path("elsewhere"), toPath: watched)
        #expect(command.errorLine()?.contains("is back") == true)
        expectAnswer(command, "third.jpg")
        #expect(command.end() == 0)
        #expect(command.outputLine() == nil)
    }

    @Test func aFolderThatIsMissingFromTheStart() throws {
        let result = try Command.run("tinyrt", ["watch", model, folder.path("nowhere")])
        #expect(result.exitCode == 66 && result.errors.contains("nowhere"), "\(result.errors)")
        let file = try Command.run("tinyrt", ["watch", model, model])
        #expect(file.exitCode == 66 && file.errors.contains("model.tiny"), "\(file.errors)")
    }

    @Test func moreEventsThanTheKernelKeepsLoseNothing() throws {
        let command = try watch()
        try put("first.jpg")
        expectAnswer(command, "first.jpg")
        kill(command.process.processIdentifier, SIGSTOP)
        let limit = Int(try String(contentsOfFile: "/proc/sys/fs/inotify/max_queued_events", encoding: .utf8).filter(\.isNumber)) ?? 16384
        // Of two names in turn: the kernel keeps one of several equal events.
        for index in 0..<limit + 2 { close(open(watched + (index % 2 == 0 ? "/a.tmp" : "/b.tmp"), O_WRONLY | O_CREAT, 0o644)) }
        try put("unheard.jpg")
        kill(command.process.processIdentifier, SIGCONT)
        expectAnswer(command, "unheard.jpg")
        try put("heard.jpg")
        expectAnswer(command, "heard.jpg")
        #expect(command.end() == 0)
    }

    @Test func aReplacedModelIsTakenAndABadOneIsNot() throws {
        let old = try Data(contentsOf: URL(fileURLWithPath: model))
        let command = try watch()
        try put("1.jpg")
        #expect(command.outputLine()?.hasSuffix("\"rejected\":false}") == true)
        // Another rejection threshold shows which model answered.
        try EdgeModelVariants.withThreshold(old, 1).write(to: URL(fileURLWithPath: folder.path("new.tiny")))
        let installed = try Command.run("tinyrt", ["install", folder.path("new.tiny"), "--as", model])
        #expect(installed.exitCode == 0, "\(installed.errors)")
        try put("2.jpg")
        #expect(command.outputLine()?.hasSuffix("\"rejected\":true}") == true)
        #expect(command.errorLine()?.contains("replaced") == true)
        try Data("no model".utf8).write(to: URL(fileURLWithPath: folder.path("bad")))
        try #require(rename(folder.path("bad"), model) == 0)
        for name in ["3.jpg", "4.jpg"] {
            try put(name)
            #expect(command.outputLine()?.hasSuffix("\"rejected\":true}") == true)
        }
        #expect(command.errorLine()?.contains("goes on") == true)
        #expect(command.end() == 0)
        #expect(command.errorLine() == nil)  // said once
    }
}
