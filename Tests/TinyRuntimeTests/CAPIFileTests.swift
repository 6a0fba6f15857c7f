// The C interface's ways to a model file and to a JPEG file, and its choice of threads and instruction set.

import CTinyJPEG
import CTinyKernels
import Foundation
import ImageCodec
import Testing
import TinyRuntime

@Suite struct CAPIFileTests {
    private static let photos = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("samples/photos")

    /// A folder that is gone with the test.
    private final class Folder {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("tinyrt-\(UUID().uuidString)")
        init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(at: url) }
        func write(_ bytes: [UInt8], _ name: String) throws -> String {
            let file = url.appendingPathComponent(name)
            try Data(bytes).write(to: file)
            return file.path
        }
    }

    private static func network(decodeScaling: Bool = false) -> ModelFileBuilder {
        var network = TestNetworks.everyOp(seed: 41, classes: 6, side: 24)
        network.resize = (30, 30)
        network.preprocessing = [0, 0, decodeScaling ? 1 : 0]
        return network
    }

    @Test func opensFilesAndSaysWhatIsWrongWithThem() throws {
        let folder = try Folder()
        let file = Self.network().build().bytes
        var newer = file
        newer[8] = 3
        var damaged = file
        damaged[file.count / 2] ^= 1
        let cases: [(String, tinyrt_status, String)] = [
            (try folder.write(file, "good.tiny"), TINYRT_OK, "done"),
            (try folder.write(Array(file.dropLast(100)), "cut.tiny"), TINYRT_BAD_MODEL, "cut off"),
            (try folder.write(newer, "newer.tiny"), TINYRT_UNSUPPORTED_MODEL, "another version"),
            (try folder.write(damaged, "damaged.tiny"), TINYRT_BAD_MODEL, "checksum"),
            (try folder.write([], "empty.tiny"), TINYRT_BAD_MODEL, "shorter"),
            (folder.url.path, TINYRT_BAD_MODEL, "regular file"),
            (folder.url.appendingPathComponent("none.tiny").path, TINYRT_NO_FILE, "no such file"),
            (folder.url.appendingPathComponent("good.tiny/below").path, TINYRT_NO_FILE, "no such file"),
        ]
        for (path, status, words) in cases {
            var model: OpaquePointer?
            var error = tinyrt_error()
            #expect(tinyrt_open_file(path, &model, &error) == status, "\(path)")
            #expect((model != nil) == (status == TINYRT_OK))
            let reason = error.reason.map { String(cString: $0) } ?? ""
            #expect(reason.contains(words), "\(path): \(reason)")
            #expect((error.system_error != 0) == (status == TINYRT_NO_FILE))
            tinyrt_close(model)
        }
    }

    @Test func closingGivesTheMappingBack() throws {
        let folder = try Folder()
        let path = try folder.write(Self.network().build().bytes, "mapped.tiny")
        func mappings() throws -> Int {
            // String(contentsOfFile:) ends after a page: the file states no size.
            let maps = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/maps")).readToEnd() ?? Data()
            return String(decoding: maps, as: UTF8.self).split(separator: "\n").count { $0.contains("/mapped.tiny") }
        }
        var model: OpaquePointer?
        var session: OpaquePointer?
        try #require(tinyrt_open_file(path, &model, nil) == TINYRT_OK)
        try #require(tinyrt_session_open(model, nil, nil, 0, &session, nil) == TINYRT_OK)
        #expect(tinyrt_session_model(session) == model)
        tinyrt_close(model)
        #expect(try mappings() == 1)
        #expect(tinyrt_self_test(session, nil) == TINYRT_OK)
        tinyrt_session_close(session)
        #expect(try mappings() == 0)
    }

    @Test func everyInstructionSetAndNumberOfThreadsGivesTheSameLogits() throws {
        let file = Self.network().build().bytes
        var model: OpaquePointer?
        try #require(tinyrt_open_copy(file, file.count, &model, nil) == TINYRT_OK)
        defer { tinyrt_close(model) }
        var names: [String] = []
        while let name = tinyrt_instruction_set(names.count) { names.append(String(cString: name)) }
        #expect(names.last == "plain" && names.first == InstructionSet.best.name.text)
        #expect(Set(names) == Set(InstructionSet.allCases.filter(\.isAvailable).map(\.name.text)))

        var expected: [Float]?
        for name in names {
            for threads in [0, 1, 2, 5] as [UInt32] {
                try name.withCString { name in
                    var options = tinyrt_options(threads: threads, instruction_set: name)
                    var session: OpaquePointer?
                    var bytes = 0
                    try #require(tinyrt_arena_bytes(model, &options, &bytes, nil) == TINYRT_OK)
                    let arena = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
                    defer { arena.deallocate() }
                    #expect(tinyrt_session_open(model, &options, arena, bytes - 1, &session, nil) == TINYRT_BAD_ARENA)
                    try #require(tinyrt_session_open(model, &options, arena, bytes, &session, nil) == TINYRT_OK)
                    defer { tinyrt_session_close(session) }
                    let input = try #require(tinyrt_input(session))
                    for index in 0..<24 * 22 * 3 { input[index] = UInt8(truncatingIfNeeded: index &* 37) }
                    #expect(tinyrt_run(session) == TINYRT_OK)
                    var logits = [Float](repeating: 0, count: 6)
                    #expect(tinyrt_logits(session, &logits, 6) == TINYRT_OK)
                    if let expected { #expect(logits == expected) } else { expected = logits }
                }
            }
        }
    }

    @Test func refusesOptionsThatItDoesNotHave() throws {
        let file = Self.network().build().bytes
        var model: OpaquePointer?
        try #require(tinyrt_open_copy(file, file.count, &model, nil) == TINYRT_OK)
        defer { tinyrt_close(model) }
        var session: OpaquePointer?
        var error = tinyrt_error()
        "avx".withCString { name in
            var options = tinyrt_options(threads: 1, instruction_set: name)
            #expect(tinyrt_session_open(model, &options, nil, 0, &session, &error) == TINYRT_UNAVAILABLE)
        }
        var options = tinyrt_options(threads: 65, instruction_set: nil)
        #expect(tinyrt_session_open(model, &options, nil, 0, &session, &error) == TINYRT_INVALID_ARGUMENT)
        #expect(error.reason.map { String(cString: $0) } == "a session runs on 1 to 64 threads")
        #expect(session == nil)
    }

    @Test func aCancelledSessionSaysSoOnceAndGoesOn() throws {
        let file = Self.network().build().bytes
        var model: OpaquePointer?
        var session: OpaquePointer?
        try #require(tinyrt_open_copy(file, file.count, &model, nil) == TINYRT_OK)
        try #require(tinyrt_session_open(model, nil, nil, 0, &session, nil) == TINYRT_OK)
        tinyrt_close(model)
        defer { tinyrt_session_close(session) }
        tinyrt_cancel(session)
        let pixels = [UInt8](repeating: 90, count: 300)
        pixels.withUnsafeBufferPointer { pixels in
            var image = tinyrt_image(
                format: TINYRT_GREY, encoding: TINYRT_BT601_FULL, width: 20, height: 15,
                planes: (pixels.baseAddress, nil), row_bytes: (20, 0))
            var best = tinyrt_prediction()
            var error = tinyrt_error()
            #expect(tinyrt_classify(session, &image, &best, 1, nil, nil, &error) == TINYRT_CANCELLED)
            #expect(error.reason.map { String(cString: $0) } == "cancelled")
            #expect(tinyrt_classify(session, &image, &best, 1, nil, nil, &error) == TINYRT_OK)
        }
    }

    /// The two shipped photos, one of them turned by EXIF, with and without decode scaling: the pixels that the workstation sees.
    @Test(arguments: [false, true]) func jpegFilesGiveTheWorkstationsPixels(decodeScaling: Bool) throws {
        let file = Self.network(decodeScaling: decodeScaling).build().bytes
        var model: OpaquePointer?
        var session: OpaquePointer?
        try #require(tinyrt_open_copy(file, file.count, &model, nil) == TINYRT_OK)
        try #require(tinyrt_session_open(model, nil, nil, 0, &session, nil) == TINYRT_OK)
        tinyrt_close(model)
        defer { tinyrt_session_close(session) }
        let preprocessing = try load(file).edge.preprocessing
        for name in ["chelsea.jpg", "coffee.jpg"] {
            let path = Self.photos.appendingPathComponent(name).path
            let wanted = try ImageFile.decode(path: path, for: preprocessing).preprocessed(by: preprocessing)
            let jpeg = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            #expect(tinyrt_preprocess_jpeg(session, jpeg, jpeg.count, nil) == TINYRT_OK)
            #expect(Array(UnsafeBufferPointer(start: tinyrt_input(session), count: wanted.pixels.count)) == wanted.pixels)
            var best = [tinyrt_prediction](repeating: .init(), count: 3)
            var (found, rejected) = (0, true)
            #expect(tinyrt_classify_jpeg(session, jpeg, jpeg.count, &best, 3, &found, &rejected, nil) == TINYRT_OK)
            #expect(found == 3 && best[0].probability > 0)
        }
    }

    @Test func badJPEGFilesAreStatuses() throws {
        let file = Self.network().build().bytes
        var model: OpaquePointer?
        var session: OpaquePointer?
        try #require(tinyrt_open_copy(file, file.count, &model, nil) == TINYRT_OK)
        try #require(tinyrt_session_open(model, nil, nil, 0, &session, nil) == TINYRT_OK)
        tinyrt_close(model)
        defer { tinyrt_session_close(session) }
        let good = [UInt8](try Data(contentsOf: Self.photos.appendingPathComponent("chelsea.jpg")))
        var huge = good
        let size = try #require(good.indices.first { good[$0] == 0xFF && good[$0 + 1] == 0xC0 })
        for (offset, byte) in [0xFD, 0xE8, 0xFD, 0xE8].enumerated() { huge[size + 5 + offset] = UInt8(byte) }
        for (jpeg, words) in [
            (Array(good.prefix(good.count / 2)), "cut off"), (Array("P6 1 1 255 abc".utf8), "not a JPEG"),
            ([], "not a JPEG"), (huge, "more pixels"), ([0xFF, 0xD8, 0xFF, 0xD9], "damaged"),
        ] {
            var error = tinyrt_error()
            #expect(tinyrt_preprocess_jpeg(session, jpeg, jpeg.count, &error) == TINYRT_BAD_IMAGE)
            let reason = error.reason.map { String(cString: $0) } ?? ""
            #expect(reason.contains(words), "\(reason)")
        }
    }

    /// The headers stand alone in every dialect that a program may be written in.
    @Test func headersCompileAloneWithoutWarnings() throws {
        let sources = Self.photos.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Sources/TinyRuntime")
        for (language, standard) in [("c", "c99"), ("c", "c11"), ("c++", "c++11"), ("c++", "c++20")] {
            for header in ["Kernels/include/tinyrt.h", "JPEG/include/tinyrt_jpeg.h"] {
                let process = Process()
                process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
                process.arguments = [
                    "clang", "-x", language, "-std=\(standard)", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only",
                    "-I", sources.appendingPathComponent("Kernels/include").path, "-include",
                    sources.appendingPathComponent(header).path, "/dev/null",
                ]
                try process.run()
                process.waitUntilExit()
                #expect(process.terminationStatus == 0, "\(header), \(standard)")
            }
        }
    }
}
