// The kernels' C compiles for every device without a libc's headers, and nowhere does the compiler fuse a
// multiplication with an addition: read off the assembly, for targets where it would be glad to. Needs the toolchain's
// clang, which has all the targets.
import Foundation
import Testing

enum Toolchain {
    /// The first clang in PATH, or in the folder that a swift in PATH is linked from.
    static let clang: URL? = {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map {
            URL(fileURLWithPath: String($0), isDirectory: true)
        }
        let besideSwift = folders.map {
            $0.appendingPathComponent("swift").resolvingSymlinksInPath().deletingLastPathComponent()
        }
        return (folders + besideSwift).map { $0.appendingPathComponent("clang") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }()
}

@Suite(
    "Kernels' C on other targets",
    .enabled(if: Toolchain.clang != nil, "not run: no clang in PATH or beside swift"))
struct KernelCompilationTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../Sources/TinyRuntime/Kernels").standardizedFileURL

    static func sources() throws -> [URL] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "c" }.sorted { $0.path < $1.path }
    }

    /// - Returns: exit status, and the assembly (or what clang said).
    static func assemble(_ source: URL, _ flags: [String]) throws -> (status: Int32, text: String) {
        let clang = try #require(Toolchain.clang)
        let process = Process()
        let pipe = Pipe()
        process.executableURL = clang
        process.arguments =
            flags + [
                "-std=c11", "-O2", "-I", folder.appendingPathComponent("include").path, "-S", "-o", "-", source.path,
            ]
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
    }

    @Test(arguments: [
        ["--target=aarch64-linux-gnu", "-ffreestanding"],
        ["--target=armv7a-linux-gnueabihf", "-ffreestanding", "-mfpu=neon-vfpv4"],
        ["--target=armv7a-linux-gnueabihf", "-ffreestanding", "-mfpu=vfpv3-d16"],
        ["--target=riscv64-linux-gnu", "-ffreestanding", "-march=rv64gc"],
        ["-mavx2", "-mfma"],
    ])
    func compilesWithoutFusing(flags: [String]) throws {
        #if !arch(x86_64)
            if flags.contains("-mavx2") { return }
        #endif
        // x86 (vfmadd…), AArch64 and RISC-V (fmadd…, fmla), ARMv7 (vfma.f32; its vmla.f32 rounds twice).
        let fused = try Regex(#"^\s+(vf?n?m(add|sub)[0-9a-z.]*|fn?m(add|sub)[.a-z]*|fml[as]|vfn?m[as]\.f32)\s"#)
            .anchorsMatchLineEndings()
        let sources = try Self.sources()
        #expect(sources.count >= 10)
        for source in sources {
            let (status, text) = try Self.assemble(source, flags)
            #expect(status == 0, "\(source.lastPathComponent) \(flags): \(text.prefix(500))")
            let line = text.firstMatch(of: fused).map { String($0.0) }
            #expect(line == nil, "\(source.lastPathComponent) \(flags) fuses")
        }
    }
}
