// The programs in Examples/, built as their readers would build them and run on a model: all say what `tinyrt classify` says. They link
// the device build for x86_64, which tools/test makes before the tests; where that could not be made, tools/test names what was left out.

import Foundation
import ImageCodec
import TestSupport
import Testing

@Suite(.serialized, .enabled(if: Example.hasDeviceBuild, "tools/build-edge --arch x86_64 was not run")) struct ExampleTests {
    @Test func c() throws {
        let example = try Example("c")
        try example.shell(
            "cc -std=c11 -Wall -Wextra -Werror classify.c $(pkg-config --cflags --libs tinyrt_jpeg) -o $OUT/classify")
        #expect(
            try example.shell("LD_LIBRARY_PATH=$TINYRT/lib $OUT/classify \(example.model) \(Example.jpeg)")
                == example.expected(named: true))
        // Against the archive, without the shared library.
        try example.shell(
            "cc classify.c $(pkg-config --cflags tinyrt) $TINYRT/lib/libtinyrt_jpeg.a $TINYRT/lib/libtinyrt.a -ljpeg -o $OUT/alone")
        #expect(
            try example.shell("$OUT/alone \(example.model) \(Example.jpeg)") == example.expected(named: true))
    }

    @Test func cSaysWhatIsWrong() throws {
        let example = try Example("c")
        try example.shell(
            "cc classify.c $(pkg-config --cflags tinyrt) $TINYRT/lib/libtinyrt_jpeg.a $TINYRT/lib/libtinyrt.a -ljpeg -o $OUT/classify")
        #expect(try example.shell("$OUT/classify \(example.model) classify.c 2>&1 || true") == "classify.c: not a JPEG file\n")
        #expect(
            try example.shell("$OUT/classify \(Example.jpeg) x.jpg 2>&1 || true")
                == "\(Example.jpeg): not a .tiny model\n")
    }

    @Test func cPlusPlus() throws {
        let example = try Example("cpp")
        try example.shell("cmake -S . -B $OUT/build -DCMAKE_PREFIX_PATH=$TINYRT >$OUT/log && cmake --build $OUT/build >>$OUT/log")
        // Grey frames, for which every encoding with full chroma at 128 agrees: two of NV12 and one of YUYV.
        let (width, height) = (64, 48)
        let luma = (0..<width * height).map { UInt8(16 + $0 * 7 % 220) }
        let nv12 = luma + [UInt8](repeating: 128, count: width * height / 2)
        try Data(nv12 + nv12).write(to: example.out.appendingPathComponent("frames.nv12"))
        try Data(luma.flatMap { [$0, 128] }).write(to: example.out.appendingPathComponent("frame.yuyv"))
        let first = try example.shell("$OUT/build/camera \(example.model) nv12 64 48 <$OUT/frames.nv12").split(separator: "\n")
        let other = try example.shell("$OUT/build/camera \(example.model) yuyv 64 48 <$OUT/frame.yuyv").split(separator: "\n")
        #expect(first.count == 2 && other.count == 1)
        let answer = try #require(first.first).dropFirst("frame 1: ".count)
        #expect(first.last?.hasSuffix(answer) == true && other.first?.hasSuffix(answer) == true)
        // The same pixels as a PPM file to tinyrt: BT.601's limited range, in integers.
        let rgb = luma.flatMap { luma -> [UInt8] in
            let grey = UInt8(clamping: (76309 * (Int(luma) - 16) + 32768) >> 16)
            return [grey, grey, grey]
        }
        let ppm = example.out.appendingPathComponent("frame.ppm")
        try (Data("P6 64 48 255\n".utf8) + Data(rgb)).write(to: ppm)
        let tinyrt = try Command.run("tinyrt", ["classify", example.model, ppm.path, "--top", "1"]).output
        #expect(tinyrt.split(separator: "\n").last?.trimmingCharacters(in: .whitespaces) == String(answer))
    }

    @Test func swift() throws {
        let example = try Example("swift")
        try example.shell("swift run --quiet -c release --scratch-path $OUT/build classify \(example.model) \(example.ppm) >$OUT/answer")
        #expect(try example.shell("cat $OUT/answer") == example.expected(named: false))
    }

    @Test func python() throws {
        let example = try Example("python")
        #expect(
            try example.shell("TINYRT=$TINYRT/lib/libtinyrt.so.0 python3 -B classify.py \(example.model) \(example.ppm)")
                == example.expected(named: false))
    }
}

/// A folder of Examples/, a model to try it on, and room for what is built.
private final class Example {
    static let jpeg = Golden.repository.appendingPathComponent("samples/photos/chelsea.jpg").path
    private static let release = (try? FileManager.default.contentsOfDirectory(
        at: Golden.repository.appendingPathComponent(".build/edge"), includingPropertiesForKeys: nil))?
        .first { $0.lastPathComponent.hasPrefix("tinyrt-") && $0.lastPathComponent.hasSuffix("-x86_64") }
    static var hasDeviceBuild: Bool { release != nil }

    let model: String
    let ppm: String
    let out: URL
    private let folder: URL
    private let temporary: TemporaryFolder

    init(_ name: String) throws {
        folder = Golden.repository.appendingPathComponent("Examples/\(name)")
        temporary = try TemporaryFolder()
        out = temporary.url
        model = try Made.model.get()
        ppm = temporary.path("chelsea.ppm")
        let image = try ImageFile.decode(path: Self.jpeg)
        try (Data("P6 \(image.width) \(image.height) 255\n".utf8) + Data(image.pixels)).write(to: URL(fileURLWithPath: ppm))
    }

    /// What tinyrt says of the photo's three best classes, after the line with its name or with it.
    func expected(named: Bool) throws -> String {
        let output = try Command.run("tinyrt", ["classify", model, Self.jpeg, "--top", "3"]).output
        return named ? output : String(output.drop { $0 != "\n" }.dropFirst())
    }

    /// Standard output; a failure shows everything that was printed.
    @discardableResult
    func shell(_ line: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", "set -euo pipefail; \(line)"]
        process.currentDirectoryURL = folder
        let release = Self.release?.path ?? ""
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["OUT": out.path, "TINYRT": release, "PKG_CONFIG_PATH": release + "/lib/pkgconfig"]) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(line)\n\(output)")
        return output
    }
}
