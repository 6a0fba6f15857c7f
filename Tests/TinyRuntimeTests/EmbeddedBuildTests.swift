// The runtime compiles in the Embedded subset (with the flags of the device builds), so that nothing has to be rewritten for a device.

import Foundation
import Testing

@Suite struct EmbeddedBuildTests {
    private static let repository = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test func theRuntimeCompilesInEmbeddedSwift() throws {
        let runtime = Self.repository.appendingPathComponent("Sources/TinyRuntime")
        try compile(module: "TinyRuntime", sources: swiftFiles(in: runtime))
    }

    /// The sources of the module, compiled; a failure shows the compiler's words.
    private func compile(module: String, sources: [String]) throws {
        try #require(sources.count > 10, "no Swift files found for \(module)")
        let compiler = try #require(Self.executable("swiftc"), "no swiftc in PATH")
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "embedded-build-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }

        let headers = Self.repository.appendingPathComponent("Sources/TinyRuntime/Kernels/include").path
        let log = folder.appendingPathComponent("log")
        try Data().write(to: log)
        let output = try FileHandle(forWritingTo: log)
        let process = Process()
        process.executableURL = compiler
        process.arguments =
            [
                "-swift-version", "6", "-enable-experimental-feature", "Embedded", "-wmo", "-parse-as-library",
                "-Osize",
                "-Xfrontend", "-function-sections", "-Xfrontend", "-disable-stack-protector",
                "-module-cache-path", folder.appendingPathComponent("cache").path, "-I", headers,
                "-module-name", module, "-c", "-o", folder.appendingPathComponent("\(module).o").path,
            ] + sources
        process.standardOutput = output
        process.standardError = output
        try process.run()
        process.waitUntilExit()
        let words = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
        #expect(process.terminationStatus == 0, "\(words)")
        #expect(!words.contains("warning:"), "\(words)")
    }

    private func swiftFiles(in folder: URL) throws -> [String] {
        let files = FileManager.default.enumerator(atPath: folder.path)
        return (files?.compactMap { $0 as? String } ?? []).filter { $0.hasSuffix(".swift") }.sorted()
            .map { folder.appendingPathComponent($0).path }
    }

    private static func executable(_ name: String) -> URL? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .map { URL(fileURLWithPath: String($0)).appendingPathComponent(name) }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }
}
