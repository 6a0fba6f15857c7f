// Command: runs the built `tiny` and `tinyrt` as a person would, and tells what they printed and how they ended.

import Foundation
import TestSupport

struct CommandResult {
    var exitCode: Int32
    var output: String
    var errors: String
}

enum Command {
    /// The folder that holds this test run's products.
    static var folder: URL {
        var url = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
        // The test bundle's executable lies beside the commands, or beneath them in a bundle's folder.
        while url.path != "/", !FileManager.default.fileExists(atPath: url.appendingPathComponent("tinyrt").path) {
            url.deleteLastPathComponent()
        }
        return url.path == "/" ? Golden.repository.appendingPathComponent(".build/release") : url
    }

    /// Runs `name` in the repository's root to its end.
    /// - Parameters:
    ///   - input: its standard input.
    ///   - shell: a line of bash that runs first in the same process, such as a `ulimit`.
    ///   - onErrorLine: called with each line of standard error as it comes, and the process.
    static func run(
        _ name: String, _ arguments: [String], input: Data? = nil, shell: String? = nil, environment: [String: String] = [:],
        onErrorLine: (@Sendable (String, Process) -> Void)? = nil
    ) throws -> CommandResult {
        let process = Process()
        let program = folder.appendingPathComponent(name).path
        if let shell {
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            process.arguments = ["-c", "\(shell); exec \"$0\" \"$@\"", program] + arguments
        } else {
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments = arguments
        }
        process.currentDirectoryURL = Golden.repository
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let inputPipe = input.map { _ in Pipe() }
        if let inputPipe { process.standardInput = inputPipe } else { process.standardInput = FileHandle.nullDevice }
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        if let input, let inputPipe {
            Thread {
                try? inputPipe.fileHandleForWriting.write(contentsOf: input)
                try? inputPipe.fileHandleForWriting.close()
            }.start()
        }

        // Both pipes are drained at once: a full one would block the command.
        let collected = Collected()
        let reader = Thread {
            collected.set(output.fileHandleForReading.readDataToEndOfFile())
            collected.done.signal()
        }
        reader.start()
        var errorText = Data()
        var line = Data()
        while case let chunk = errors.fileHandleForReading.availableData, !chunk.isEmpty {
            errorText.append(chunk)
            for byte in chunk {
                if byte == 0x0A || byte == 0x0D {
                    onErrorLine?(String(decoding: line, as: UTF8.self), process)
                    line.removeAll()
                } else {
                    line.append(byte)
                }
            }
        }
        collected.done.wait()
        process.waitUntilExit()
        return CommandResult(
            exitCode: process.terminationStatus, output: String(decoding: collected.get(), as: UTF8.self),
            errors: String(decoding: errorText, as: UTF8.self))
    }

    private final class Collected: @unchecked Sendable {
        private let lock = NSLock()
        private var data = Data()
        let done = DispatchSemaphore(value: 0)
        func set(_ data: Data) { lock.withLock { self.data = data } }
        func get() -> Data { lock.withLock { data } }
    }
}

/// A command that goes on while a test talks to it. Reading a line waits for it; a command that hangs is killed after a minute.
final class RunningCommand {
    let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let errors = Pipe()
    private let watchdog: DispatchWorkItem

    init(_ name: String, _ arguments: [String]) throws {
        process.executableURL = Command.folder.appendingPathComponent(name)
        process.arguments = arguments
        process.currentDirectoryURL = Golden.repository
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let identifier = process.processIdentifier
        watchdog = DispatchWorkItem { kill(identifier, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + 60, execute: watchdog)
    }

    deinit {
        watchdog.cancel()
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    func write(_ data: Data) throws { try input.fileHandleForWriting.write(contentsOf: data) }
    func closeInput() throws { try input.fileHandleForWriting.close() }
    /// nil: it ended.
    func outputLine() -> String? { Self.line(output) }
    func errorLine() -> String? { Self.line(errors) }

    func end(_ signal: Int32 = SIGTERM) -> Int32 {
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        return process.terminationStatus
    }

    private static func line(_ pipe: Pipe) -> String? {
        var bytes: [UInt8] = []
        while let byte = try? pipe.fileHandleForReading.read(upToCount: 1)?.first {
            if byte == 0x0A { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(byte)
        }
        return nil
    }
}

/// A folder that is gone when the test is.
final class TemporaryFolder: Sendable {
    let url: URL
    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("tiny-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(at: url) }
    func path(_ name: String) -> String { url.appendingPathComponent(name).path }
}
