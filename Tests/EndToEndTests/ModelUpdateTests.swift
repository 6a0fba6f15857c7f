// ModelUpdateTests: `tinyrt install` and `rollback`: what stands under the name is a whole model whatever goes wrong, and the next install
// puts everything right. The process is killed at each of its file operations by Faults/fault.c.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct ModelUpdateTests {
    let folder: TemporaryFolder
    let old: Data
    let new: Data
    let target: String
    let newPath: String

    init() throws {
        folder = try TemporaryFolder()
        old = try Data(contentsOf: URL(fileURLWithPath: Made.model.get()))
        new = EdgeModelVariants.withThreshold(old, 0.25)
        target = folder.path("at/model.tiny")
        newPath = folder.path("new.tiny")
        try new.write(to: URL(fileURLWithPath: newPath))
        try old.write(to: URL(fileURLWithPath: folder.path("old.tiny")))
        try reset()
    }

    /// A folder with the old model alone, or with the one before it too.
    private func reset(previous: Data? = nil) throws {
        let at = folder.path("at")
        try? FileManager.default.removeItem(atPath: at)
        try FileManager.default.createDirectory(atPath: at, withIntermediateDirectories: true)
        try old.write(to: URL(fileURLWithPath: target))
        if let previous { try previous.write(to: URL(fileURLWithPath: target + ".previous")) }
    }

    private func content(_ path: String) -> Data? { FileManager.default.contents(atPath: path) }
    private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path("at")).sorted() }
    private func install(_ path: String, _ environment: [String: String] = [:]) throws -> CommandResult {
        try Command.run("tinyrt", ["install", path, "--as", target], environment: environment)
    }

    @Test func installAndRollBack() throws {
        try FileManager.default.removeItem(atPath: target)
        let first = try install(folder.path("old.tiny"))
        #expect(first.exitCode == 0 && first.output.contains("installed"), "\(first.errors)")
        #expect(try names() == ["model.tiny"])
        let none = try Command.run("tinyrt", ["rollback", target])
        #expect(none.exitCode == 66 && none.errors.contains("model.tiny.previous"), "\(none.errors)")

        let second = try install(newPath)
        #expect(second.exitCode == 0 && second.output.contains("model.tiny.previous"), "\(second.errors)")
        #expect(content(target) == new && content(target + ".previous") == old)
        let again = try install(newPath)
        #expect(again.exitCode == 0 && again.output.contains("already"), "\(again.errors)")
        #expect(content(target) == new && content(target + ".previous") == old)
        for (current, previous) in [(old, new), (new, old)] {
            #expect(try Command.run("tinyrt", ["rollback", target]).exitCode == 0)
            #expect(content(target) == current && content(target + ".previous") == previous)
        }
        #expect(try names() == ["model.tiny", "model.tiny.previous"])
    }

    @Test func whatIsNotSoundIsNotInstalled() throws {
        for (name, data, code) in [
            ("cut", Data(new.prefix(5000)), 65), ("wrong", EdgeModelVariants.failingSelfTest(new), 1), ("version", EdgeModelVariants.newerVersion(new), 65),
        ] {
            try data.write(to: URL(fileURLWithPath: folder.path(name)))
            let result = try install(folder.path(name))
            #expect(result.exitCode == Int32(code) && result.errors.contains(name), "\(result.exitCode) \(result.errors)")
            #expect(content(target) == old)
            #expect(try names() == ["model.tiny"])
        }
        #expect(try install(folder.path("nowhere.tiny")).exitCode == 66)
        let result = try Command.run("tinyrt", ["install", newPath, "--as", folder.path("no/such/folder.tiny")])
        #expect(result.exitCode == 74 && result.errors.contains("folder.tiny"), "\(result.errors)")
    }

    @Test func aDamagedModelIsReplacedAndNotKept() throws {
        try reset(previous: new)
        try Data(old.prefix(old.count / 2)).write(to: URL(fileURLWithPath: target))
        let rolledBack = try Command.run("tinyrt", ["rollback", target])
        #expect(rolledBack.exitCode == 0 && rolledBack.errors.contains("not kept"), "\(rolledBack.errors)")
        #expect(content(target) == new && content(target + ".previous") == new)
        // Not where another file would be lost to a slip of the finger.
        try Data("dear diary".utf8).write(to: URL(fileURLWithPath: folder.path("at/diary")))
        let refused = try Command.run("tinyrt", ["install", newPath, "--as", folder.path("at/diary")])
        #expect(refused.exitCode == 65 && refused.errors.contains("diary"), "\(refused.errors)")
        #expect(content(folder.path("at/diary")) == Data("dear diary".utf8))
    }

    @Test func aLinkStaysALink() throws {
        try FileManager.default.createDirectory(atPath: folder.path("links"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: folder.path("links/model"), withDestinationPath: "../at/model.tiny")
        let result = try Command.run("tinyrt", ["install", newPath, "--as", folder.path("links/model")])
        #expect(result.exitCode == 0, "\(result.errors)")
        #expect(content(target) == new && content(target + ".previous") == old)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.path("links/model")) == "../at/model.tiny")
    }

    @Test func aFullDiskLeavesTheOldModel() throws {
        // A limit on file sizes stands for the full disk: writing ends after 64 KB with an error, as there.
        let result = try Command.run("tinyrt", ["install", newPath, "--as", target], shell: "ulimit -f 64")
        #expect(result.exitCode == 74, "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1 && result.errors.contains("model.tiny"), "\(result.errors)")
        #expect(content(target) == old)
        #expect(try names() == ["model.tiny"])
    }

    @Test func severalAtOnce() throws {
        let program = Command.folder.appendingPathComponent("tinyrt")
        let processes = try (0..<12).map { index in
            let process = Process()
            process.executableURL = program
            process.arguments =
                index % 3 == 2 ? ["rollback", target] : ["install", index % 2 == 0 ? newPath : folder.path("old.tiny"), "--as", target]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            return process
        }
        for (index, process) in processes.enumerated() {
            process.waitUntilExit()
            // A rollback may come before there is anything to roll back to.
            #expect(process.terminationStatus == 0 || (index % 3 == 2 && process.terminationStatus == 66))
        }
        #expect(try names() == ["model.tiny", "model.tiny.previous"])
        #expect(Set([content(target), content(target + ".previous")]) == Set([old, new]))
    }

    // MARK: Killed, and failing, at each step

    private func faults() throws -> String {
        let library = folder.path("fault.so")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let source = Golden.repository.appendingPathComponent("Tests/EndToEndTests/Faults/fault.c").path
        process.arguments = ["clang", "-std=c11", "-shared", "-fPIC", "-o", library, source, "-ldl"]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "fault.c does not compile")
        return library
    }

    enum Way: String, CaseIterable { case install, installWithoutLinks, rollback, rollbackWithoutLinks }

    /// Runs the command once for each of its file operations, with that one going wrong.
    /// - Returns: how many there are.
    private func atEachStep(_ way: Way, _ fault: String, _ check: (CommandResult, _ step: String) throws -> Void) throws -> Int {
        var environment = ["LD_PRELOAD": try faults()]
        if way == .installWithoutLinks || way == .rollbackWithoutLinks { environment["FAULT_NO_LINKS"] = "1" }
        let isInstall = way == .install || way == .installWithoutLinks
        for step in 1...100 {
            try reset(previous: isInstall ? nil : new)
            environment[fault] = String(step)
            let result = try Command.run("tinyrt", isInstall ? ["install", newPath, "--as", target] : ["rollback", target], environment: environment)
            // Beyond the last step nothing goes wrong.
            if result.exitCode == 0 && content(target) == new && content(target + ".previous") == old && result.output.hasSuffix("\n") {
                if try names() == ["model.tiny", "model.tiny.previous"] { return step - 1 }
            }
            let name = "\(way) \(fault)=\(step)"
            let standing = content(target)
            #expect(standing == old || standing == new, "\(name): \(standing?.count ?? -1) bytes under the name")
            try check(result, name)
            // From whatever was left, the next install gives the same as without the accident.
            let next = try Command.run(
                "tinyrt", ["install", newPath, "--as", target], environment: environment.filter { $0.key == "FAULT_NO_LINKS" || $0.key == "LD_PRELOAD" })
            #expect(next.exitCode == 0, "\(name): \(next.errors)")
            #expect(content(target) == new && content(target + ".previous") == old, "\(name)")
            #expect(try names() == ["model.tiny", "model.tiny.previous"], "\(name)")
        }
        return 100
    }

    @Test(arguments: Way.allCases) func killedAtEachStep(way: Way) throws {
        let steps = try atEachStep(way, "FAULT_KILL") { result, name in
            #expect(result.exitCode == SIGKILL, "\(name): \(result.exitCode) \(result.errors)")
        }
        // Removing, opening, writing, syncing, linking, renaming …: fewer would say that the faults do not work.
        #expect((12..<60).contains(steps), "\(steps) steps")
    }

    @Test(arguments: Way.allCases) func failingAtEachStep(way: Way) throws {
        var failures = 0
        _ = try atEachStep(way, "FAULT_FAIL") { result, name in
            // A last removal may fail unheard: the next one does it.
            #expect(result.exitCode == 74 || result.exitCode == 0, "\(name): \(result.exitCode) \(result.errors)")
            if result.exitCode == 74 {
                failures += 1
                #expect(result.errors.split(separator: "\n").count == 1, "\(name): \(result.errors)")
            }
        }
        #expect(failures > 6)
    }
}
