// The C interface through its header, as a C program would use it.

import CTinyJPEG
import CTinyKernels
import Testing
import TinyRuntime

@Suite struct CAPITests {
    /// A file's bytes at a multiple of 64, as a mapping has them.
    private final class Mapping {
        let bytes: UnsafeMutableRawBufferPointer
        init(_ file: [UInt8]) {
            bytes = .allocate(byteCount: file.count, alignment: 64)
            bytes.copyBytes(from: file)
        }
        deinit { bytes.deallocate() }
    }

    private func rgb(
        _ pixels: UnsafePointer<UInt8>?, _ width: Int, _ height: Int, _ rowBytes: Int
    ) -> tinyrt_image {
        tinyrt_image(
            format: TINYRT_RGB, encoding: TINYRT_BT601_LIMITED, width: UInt32(width), height: UInt32(height),
            planes: (pixels, nil), row_bytes: (rowBytes, 0))
    }

    private func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "nothing" }

    @Test func classifiesPixelsOfAnySizeAsTheSwiftInterfaceDoes() throws {
        var network = TestNetworks.everyOp(seed: 21, classes: 7, side: 16)
        network.resize = (20, 20)
        network.temperature = 2
        let file = network.build().bytes
        let mapping = Mapping(file)
        var model: OpaquePointer?
        var error = tinyrt_error()
        try #require(tinyrt_open(mapping.bytes.baseAddress, mapping.bytes.count, &model, &error) == TINYRT_OK)
        defer { tinyrt_close(model) }
        #expect(error.status == TINYRT_OK && error.offset == -1 && error.op == -1)

        var arenaBytes = 0
        #expect(tinyrt_arena_bytes(model, nil, &arenaBytes, &error) == TINYRT_OK)
        let arena = UnsafeMutableRawPointer.allocate(byteCount: arenaBytes, alignment: 64)
        defer { arena.deallocate() }
        var session: OpaquePointer?
        try #require(tinyrt_session_open(model, nil, arena, arenaBytes, &session, &error) == TINYRT_OK)
        defer { tinyrt_session_close(session) }

        var random = SplitMix64(seed: 5)
        let swift = try Session(model: try load(file))
        for (width, height, gap) in [(37, 52, 0), (200, 31, 5), (16, 16, 0), (1, 1, 2)] {
            let rowBytes = 3 * width + gap
            let pixels = (0..<rowBytes * height).map { _ in UInt8.random(in: 0...255, using: &random) }
            let preprocessor = try ImagePreprocessor(
                swift.model.edge.preprocessing, sourceWidth: width, sourceHeight: height)
            pixels.withUnsafeBufferPointer { source in
                guard let source = source.baseAddress, let input = swift.input.baseAddress else { return }
                preprocessor.run(source: source, sourceRowBytes: rowBytes, output: input)
            }
            swift.run()
            let expected = swift.classify(top: 3)

            var predictions = [tinyrt_prediction](repeating: .init(index: 99, probability: -1), count: 3)
            var (found, rejected) = (0, true)
            let status = pixels.withUnsafeBufferPointer { pixels in
                var image = rgb(pixels.baseAddress, width, height, rowBytes)
                return tinyrt_classify(session, &image, &predictions, 3, &found, &rejected, &error)
            }
            #expect(status == TINYRT_OK)
            #expect(found == 3 && rejected == expected.rejected)
            #expect(predictions.map { Int($0.index) } == expected.predictions.map(\.index))
            #expect(predictions.map(\.probability) == expected.predictions.map(\.probability))

            var logits = [Float](repeating: 0, count: 7)
            #expect(tinyrt_logits(session, &logits, 7) == TINYRT_OK)
            #expect(logits == (0..<7).map { swift.logit($0) })
        }
        #expect(tinyrt_self_test(session, &error) == TINYRT_OK)
    }

    @Test func runsOnPixelsThatAreAlreadyPreprocessed() throws {
        let network = TestNetworks.everyOp(seed: 22, classes: 4)
        let file = network.build().bytes
        var model: OpaquePointer?
        var session: OpaquePointer?
        try #require(tinyrt_open_copy(file, file.count, &model, nil) == TINYRT_OK)
        try #require(tinyrt_session_open(model, nil, nil, 0, &session, nil) == TINYRT_OK)
        tinyrt_close(model)  // the session keeps it
        defer { tinyrt_session_close(session) }
        let input = ReferenceNetwork.selfTestInput(network)
        let place = try #require(tinyrt_input(session))
        for (index, byte) in input.enumerated() { place[index] = byte }
        #expect(tinyrt_run(session) == TINYRT_OK)
        let expected = ReferenceNetwork.run(network, input: input).last ?? []
        let output = network.tensors[network.ops[network.ops.count - 1].output]
        var logits = [Float](repeating: 0, count: 4)
        #expect(tinyrt_logits(session, &logits, 4) == TINYRT_OK)
        #expect(logits == expected.map { Float(Int($0) - Int(output.zeroPoint)) * output.scale })
        var predictions = [tinyrt_prediction](repeating: .init(), count: 10)
        var (found, rejected) = (0, true)
        #expect(tinyrt_predictions(session, &predictions, 10, &found, &rejected) == TINYRT_OK)
        #expect(found == 4 && !rejected)
        #expect(predictions[0].index == expected.indices.max { expected[$0] < expected[$1] }.map { UInt32($0) })
    }

    @Test func tellsWhatIsInTheModel() throws {
        var network = TestNetworks.everyOp(seed: 23, classes: 5)
        network.temperature = 1.5
        network.rejectionThreshold = 0.4
        network.resize = (40, 30)
        network.preprocessing = [0, 1, 1]
        let file = network.build().bytes
        var model: OpaquePointer?
        try #require(tinyrt_open_copy(file, file.count, &model, nil) == TINYRT_OK)
        defer { tinyrt_close(model) }
        var info = tinyrt_info()
        #expect(tinyrt_get_info(model, &info) == TINYRT_OK)
        #expect(info.format_version == 2 && info.input_width == 11 && info.input_height == 13)
        #expect(info.class_count == 5 && info.label_count == 5 && info.op_count == 13)
        #expect(info.temperature == 1.5 && info.rejection_threshold == 0.4 && info.decode_scaling)
        #expect(info.resize_width == 40 && info.resize_height == 30)
        #expect(info.file_bytes == UInt64(file.count))
        #expect(littleEndian(info.checksum) == Array(file[24..<32]))
        for (index, label) in network.labels.enumerated() {
            var length = 0
            let bytes = try #require(tinyrt_label(model, index, &length))
            let buffer = UnsafeRawBufferPointer(start: bytes, count: length)
            #expect(String(decoding: buffer, as: UTF8.self) == label)
        }
        #expect(tinyrt_label(model, 5, nil) == nil)
        #expect(text(tinyrt_version()) == TinyRuntimeVersion.text.text)
        #expect(text(tinyrt_instruction_set(0)) == InstructionSet.best.name.text)
    }

    @Test func refusesWithStatusReasonAndPlace() throws {
        let (file, layout) = TestNetworks.everyOp(seed: 24).build()
        var model: OpaquePointer?
        var error = tinyrt_error()

        #expect(tinyrt_open_copy(Array(file.dropLast()), file.count - 1, &model, &error) == TINYRT_BAD_MODEL)
        #expect(model == nil && error.status == TINYRT_BAD_MODEL)
        #expect(text(error.reason).contains("cut off"))

        var other = file
        other[8] = 3
        #expect(tinyrt_open_copy(other, other.count, &model, &error) == TINYRT_UNSUPPORTED_MODEL)

        var reserved = file
        reserved[70] = 1
        ModelFileBuilder.repair(&reserved)
        #expect(tinyrt_open_copy(reserved, reserved.count, &model, &error) == TINYRT_BAD_MODEL)
        #expect(error.offset == 70 && error.op == -1)

        var badOp = file
        badOp[layout.op(3, 0)] = 200
        ModelFileBuilder.repair(&badOp)
        #expect(tinyrt_open_copy(badOp, badOp.count, &model, &error) == TINYRT_BAD_MODEL)
        #expect(error.op == 3 && text(error.reason) == "unknown op")

        let shifted = Mapping([0] + file)
        #expect(
            tinyrt_open(shifted.bytes.baseAddress.map { $0 + 1 }, file.count, &model, &error) == TINYRT_INVALID_ARGUMENT
        )

        try #require(tinyrt_open_copy(file, file.count, &model, &error) == TINYRT_OK)
        defer { tinyrt_close(model) }
        var session: OpaquePointer?
        let arena = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
        defer { arena.deallocate() }
        #expect(tinyrt_session_open(model, nil, arena, 64, &session, &error) == TINYRT_BAD_ARENA)
        #expect(session == nil)

        try #require(tinyrt_session_open(model, nil, nil, 0, &session, &error) == TINYRT_OK)
        defer { tinyrt_session_close(session) }
        var prediction = tinyrt_prediction()
        var (found, rejected) = (0, false)
        let pixels = [UInt8](repeating: 0, count: 30)
        for (width, height, rowBytes) in [
            (0, 1, 30), (1, 0, 30), (10, 1, 29), (70000, 1, 210000), (1, 70000, 3), (1, 2, Int.max), (4, 65535, -12),
            (Int(UInt32.max), 1, Int.max),
        ] {
            let status = pixels.withUnsafeBufferPointer { pixels in
                var image = rgb(pixels.baseAddress, width, height, rowBytes)
                return tinyrt_classify(session, &image, &prediction, 1, &found, &rejected, &error)
            }
            #expect(status == TINYRT_BAD_IMAGE, "\(width)×\(height), \(rowBytes) bytes a row")
        }
    }

    @Test func missingPointersAreArgumentsNotCrashes() throws {
        var error = tinyrt_error()
        var model: OpaquePointer?
        #expect(tinyrt_open(nil, 10, &model, &error) == TINYRT_INVALID_ARGUMENT)
        #expect(tinyrt_open_copy([1, 2, 3] as [UInt8], 3, nil, &error) == TINYRT_INVALID_ARGUMENT)
        #expect(tinyrt_session_open(nil, nil, nil, 0, nil, nil) == TINYRT_INVALID_ARGUMENT)
        #expect(tinyrt_get_info(nil, nil) == TINYRT_INVALID_ARGUMENT)
        #expect(tinyrt_label(nil, 0, nil) == nil)
        #expect(tinyrt_arena_bytes(nil, nil, nil, nil) == TINYRT_INVALID_ARGUMENT)
        #expect(tinyrt_classify(nil, nil, nil, 0, nil, nil, nil) == TINYRT_INVALID_ARGUMENT)
        #expect(tinyrt_input(nil) == nil)
        #expect(tinyrt_run(nil) == TINYRT_INVALID_ARGUMENT)
        #expect(tinyrt_logits(nil, nil, 0) == TINYRT_INVALID_ARGUMENT)
        #expect(tinyrt_predictions(nil, nil, 0, nil, nil) == TINYRT_INVALID_ARGUMENT)
        #expect(tinyrt_self_test(nil, nil) == TINYRT_INVALID_ARGUMENT)
        #expect(tinyrt_open_file(nil, &model, &error) == TINYRT_INVALID_ARGUMENT)
        #expect(tinyrt_preprocess(nil, nil, nil) == TINYRT_INVALID_ARGUMENT)
        #expect(tinyrt_session_model(nil) == nil)
        #expect(tinyrt_preprocess_jpeg(nil, nil, 0, nil) == TINYRT_INVALID_ARGUMENT)
        #expect(tinyrt_classify_jpeg(nil, nil, 0, nil, 0, nil, nil, nil) == TINYRT_INVALID_ARGUMENT)
        tinyrt_close(nil)
        tinyrt_session_close(nil)
        tinyrt_cancel(nil)
        for status in 0...12 {
            #expect(!text(tinyrt_status_text(tinyrt_status(UInt32(status)))).isEmpty)
        }
    }
}
