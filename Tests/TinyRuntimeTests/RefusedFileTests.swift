// One refused file for each error case. The checksum is repaired, so that each change is seen by the check that it is meant for.

import Testing
import TinyRuntime

@Suite struct RefusedFileTests {
    typealias Header = ModelLayout.Header
    typealias TensorField = ModelLayout.TensorRecord
    typealias OpField = ModelLayout.OpRecord

    /// Indices of TestNetworks.everyOp's ops.
    private enum Op {
        static let convolution = 0, depthwise = 1, pointwise = 2, add = 3, table = 4, multiply = 5, wide = 6, concat = 7
        static let maxPool = 8, globalMaxPool = 9, globalAveragePool = 10, features = 11, fullyConnected = 12
    }

    private static let base = TestNetworks.everyOp(seed: 31).build()
    private var layout: ModelFileBuilder.Layout { Self.base.layout }

    /// The refusal of the base file with `bytes` put at `offset` and the checksum repaired.
    private func refusal(putting bytes: [UInt8], at offset: Int) -> ModelError? {
        var file = Self.base.bytes
        file.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        ModelFileBuilder.repair(&file)
        return TinyRuntimeTests.refusal(file)
    }

    private func refusal(_ change: (inout ModelFileBuilder) -> Void) -> ModelError? {
        var network = TestNetworks.everyOp(seed: 31)
        change(&network)
        return TinyRuntimeTests.refusal(network.build(selfTest: false).bytes)
    }

    @Test func theBaseFileIsAccepted() { #expect(TinyRuntimeTests.refusal(Self.base.bytes) == nil) }

    @Test func theFileAsAWhole() {
        let file = Self.base.bytes
        #expect(TinyRuntimeTests.refusal([]) == .tooShort(bytes: 0))
        #expect(TinyRuntimeTests.refusal(Array(file[..<255])) == .tooShort(bytes: 255))
        #expect(refusal(putting: [0x0A], at: 5) == .notATinyModel)  // what a text transfer makes of the magic
        #expect(refusal(putting: littleEndian(UInt32(3)), at: Header.version) == .unsupportedVersion(3))
        let old = refusal(putting: littleEndian(UInt32(1)), at: Header.version)
        #expect(old == .unsupportedVersion(1))
        #expect(
            old.map { "\($0)" } == "made for another version of the format: convert the network again (1; this reads 2)")
        #expect(refusal(putting: littleEndian(UInt32(1)), at: Header.flags) == .unsupportedFlags(1))
        let count = UInt64(file.count)
        #expect(TinyRuntimeTests.refusal(file + [0]) == .wrongLength(stated: count, actual: count + 1))
        #expect(TinyRuntimeTests.refusal(file.dropLast()) == .wrongLength(stated: count, actual: count - 1))
        var damaged = file
        damaged[layout.sections[2].lowerBound + 5] ^= 0x10
        guard case .wrongChecksum(let stated, let computed)? = TinyRuntimeTests.refusal(damaged) else {
            Issue.record("a flipped bit was not noticed")
            return
        }
        #expect(littleEndian(stated) == Array(file[24..<32]) && stated != computed)
    }

    @Test func misalignedBytes() {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.base.bytes.count + 64, alignment: 64)
        defer { memory.deallocate() }
        let shifted = UnsafeMutableRawBufferPointer(rebasing: memory[8..<8 + Self.base.bytes.count])
        shifted.copyBytes(from: Self.base.bytes)
        #expect(throws: ModelError.misalignedBytes) { _ = try EdgeModel(validating: UnsafeRawBufferPointer(shifted)) }
    }

    @Test func everyReservedByteMustBeZero() {
        var reserved = [68, 69, 70, 71, 75, 92, 93, 94, 95] + Array(176..<256)
        for tensor in 0..<14 { reserved += (18..<20).map { layout.tensor(tensor, $0) } }
        for op in 0..<13 { reserved += (98..<128).map { layout.op(op, $0) } }
        reserved += (12..<16).map { layout.sections[4].lowerBound + $0 }
        for (section, next) in zip(layout.sections, layout.sections.dropFirst()) {
            reserved += Array(section.upperBound..<next.lowerBound)
        }
        for offset in reserved {
            #expect(refusal(putting: [1], at: offset) == .reservedNotZero(offset: UInt64(offset)), "byte \(offset)")
        }
    }

    @Test func headerFields() {
        func out(_ offset: Int) -> ModelError { .outOfRange(offset: UInt64(offset)) }
        func limit(_ offset: Int) -> ModelError { .limitExceeded(offset: UInt64(offset)) }
        func put(_ value: UInt32, _ offset: Int) -> ModelError? { refusal(putting: littleEndian(value), at: offset) }
        func putFloat(_ value: Float, _ offset: Int) -> ModelError? { put(value.bitPattern, offset) }
        #expect(put(4097, Header.tensorCount) == limit(Header.tensorCount))
        #expect(put(1, Header.tensorCount) == out(Header.tensorCount))
        #expect(put(15, Header.tensorCount) == .sectionOfWrongSize(section: 0))
        #expect(put(4097, Header.opCount) == limit(Header.opCount))
        #expect(put(0, Header.opCount) == out(Header.opCount))
        #expect(put(12, Header.opCount) == .sectionOfWrongSize(section: 1))
        #expect(put(14, Header.inputTensor) == out(Header.inputTensor))
        #expect(put(14, Header.outputTensor) == out(Header.outputTensor))
        #expect(put(0, Header.outputTensor) == out(Header.outputTensor))  // the input
        #expect(refusal(putting: littleEndian(UInt64(1) << 30 + 1), at: Header.arenaBytes) == limit(Header.arenaBytes))
        #expect(put(65537, Header.labelCount) == limit(Header.labelCount))
        for bad in [0, -1, Float.nan, .infinity] {
            #expect(putFloat(bad, Header.temperature) == out(Header.temperature))
        }
        for bad in [-0.1, 1.5, Float.nan] {
            #expect(putFloat(bad, Header.rejectionThreshold) == out(Header.rejectionThreshold))
        }
        for field in [Header.resizeMode, Header.filter, Header.decodeScaling] {
            #expect(refusal(putting: [2], at: field) == out(field))
        }
        for field in [Header.resizeWidth, Header.resizeHeight, Header.cropWidth, Header.cropHeight] {
            #expect(put(0, field) == out(field))
            #expect(put(8193, field) == limit(field))
        }
        #expect(put(10, Header.resizeWidth) == out(Header.cropWidth))  // the crop would not fit
        #expect(refusal(putting: [1], at: Header.resizeMode) == out(Header.resizeHeight))  // short side, two numbers
    }

    @Test func sections() {
        for section in 0..<5 {
            let place = Header.sections + 16 * section
            let range = layout.sections[section]
            for offset in [0, range.lowerBound - 64, range.lowerBound + 1, range.lowerBound + 64, 1 << 40] as [Int] {
                let refused = refusal(putting: littleEndian(UInt64(offset)), at: place)
                #expect(refused == .sectionMisplaced(section: section), "section \(section) at \(offset)")
            }
            let bytes = refusal(putting: littleEndian(UInt64.max), at: place + 8)
            #expect(bytes == .sectionMisplaced(section: section))
        }
        // The last section must end with the file.
        let last = Header.sections + 16 * 4 + 8
        #expect(
            refusal(putting: littleEndian(UInt64(layout.sections[4].count - 1)), at: last)
                == .sectionMisplaced(section: 4))
    }

    @Test func tensors() {
        func put(_ bytes: [UInt8], _ field: Int) -> ModelError? { refusal(putting: bytes, at: layout.tensor(2, field)) }
        func tensor(_ problem: TensorProblem) -> ModelError { .tensor(index: 2, problem) }
        for field in [TensorField.height, TensorField.width, TensorField.channels] {
            #expect(put(littleEndian(UInt32(0)), field) == tensor(.emptyOrTooLarge))
            #expect(put(littleEndian(UInt32.max), field) == tensor(.emptyOrTooLarge))
        }
        for bad in [0, -1, Float.nan, .infinity] {
            #expect(put(littleEndian(bad.bitPattern), TensorField.scale) == tensor(.scale))
        }
        #expect(put(littleEndian(UInt64(32)), TensorField.arenaOffset) == tensor(.misaligned))
        #expect(put(littleEndian(UInt64(1) << 40), TensorField.arenaOffset) == tensor(.outsideArena))
        #expect(put(littleEndian(UInt64.max - 63), TensorField.arenaOffset) == tensor(.outsideArena))
        #expect(put(littleEndian(UInt32(8192)), TensorField.height) == tensor(.outsideArena))
        #expect(
            refusal { $0.tensors.append(.init(height: 1, width: 1, channels: 1)) } == .tensor(index: 14, .neverWritten))
        #expect(refusal { $0.crop = (11, 12) } == .tensor(index: 0, .inputNotAsPreprocessed))
        #expect(refusal { $0.outputTensor = 2 } == .tensor(index: 2, .outputNotAVector))
    }

    @Test func opRecords() {
        func put(_ bytes: [UInt8], _ op: Int, _ field: Int) -> ModelError? {
            refusal(putting: bytes, at: layout.op(op, field))
        }
        for code in [0, 15, 65535] as [UInt16] {
            #expect(put(littleEndian(code), 4, OpField.code) == .op(index: 4, .unknownCode))
        }
        #expect(put([0, 0], 0, OpField.inputCount) == .op(index: 0, .inputCount))
        #expect(put([5, 0], 0, OpField.inputCount) == .op(index: 0, .inputCount))
        #expect(put([2, 0], Op.convolution, OpField.inputCount) == .op(index: 0, .inputCount))
        #expect(put([1, 0], Op.add, OpField.inputCount) == .op(index: Op.add, .unusedFieldNotZero))
        #expect(put([14], 0, OpField.inputs) == .op(index: 0, .tensorIndex))
        #expect(put([14], 0, OpField.output) == .op(index: 0, .tensorIndex))
        #expect(put([255, 255, 255, 255], 0, OpField.output) == .op(index: 0, .tensorIndex))
        #expect(put([1], 0, OpField.inputs + 12) == .op(index: 0, .unusedFieldNotZero))
    }

    /// Each field, set in the ops that do not use it.
    @Test func unusedFields() {
        let window = [
            OpField.kernelHeight, OpField.kernelWidth, OpField.strideHeight, OpField.strideWidth, OpField.padTop,
        ]
        let pads = [OpField.padBottom, OpField.padLeft, OpField.padRight]
        let weights = [OpField.weights, OpField.weightsBytes, OpField.bias, OpField.multiplier]
        let clamp = [OpField.clampMin, OpField.clampMax]
        let unused: [(op: Int, fields: [Int])] = [
            (Op.convolution, [OpField.table, OpField.scale0, OpField.scale1, OpField.padPixel + 3]),
            (Op.depthwise, [OpField.padPixel, OpField.table, OpField.scale0, OpField.scale1]),
            (Op.pointwise, window + pads + [OpField.padPixel, OpField.table, OpField.scale0, OpField.scale1]),
            (Op.fullyConnected, window + pads + [OpField.padPixel + 1, OpField.table, OpField.scale0, OpField.scale1]),
            (Op.add, window + pads + weights + [OpField.padPixel, OpField.table]),
            (Op.multiply, window + pads + weights + [OpField.padPixel, OpField.table, OpField.scale1]),
            (Op.table, window + pads + weights + clamp + [OpField.padPixel, OpField.scale0, OpField.scale1]),
            (Op.concat, window + pads + weights + clamp + [OpField.padPixel, OpField.table, OpField.scale0]),
            (Op.globalAveragePool, window + pads + weights + [OpField.padPixel, OpField.table, OpField.scale1]),
            (Op.globalMaxPool, window + pads + weights + clamp + [OpField.padPixel, OpField.table, OpField.scale0]),
            (Op.maxPool, weights + clamp + [OpField.padPixel, OpField.table, OpField.scale0, OpField.scale1]),
        ]
        for (op, fields) in unused {
            for field in fields + [OpField.parameter, OpField.parameter + 1] {
                let refused = refusal(putting: [1], at: layout.op(op, field))
                #expect(refused == .op(index: op, .unusedFieldNotZero), "op \(op), field at \(field)")
            }
        }
    }

    @Test func shapesThatDoNotFit() {
        func shrink(_ tensor: Int, _ op: Int, _ change: @escaping (inout ModelFileBuilder.Tensor) -> Void) {
            let refused = refusal { change(&$0.tensors[tensor]) }
            #expect(refused == .op(index: op, .shapesDisagree), "tensor \(tensor)")
        }
        shrink(1, Op.convolution) { $0.height -= 1 }
        shrink(2, Op.depthwise) { $0.width -= 1 }
        shrink(3, Op.pointwise) { $0.height -= 1 }
        shrink(5, Op.table) { $0.channels -= 1 }
        shrink(6, Op.multiply) { $0.channels -= 1 }
        shrink(8, Op.concat) { $0.channels -= 1 }
        shrink(9, Op.maxPool) { $0.height += 1 }
        shrink(10, Op.globalMaxPool) { $0.channels -= 1 }
        shrink(11, Op.globalAveragePool) { $0.height = 2 }
        #expect(refusal { $0.ops[Op.fullyConnected].inputs = [9] } == .op(index: Op.fullyConnected, .shapesDisagree))
        // The depthwise's channels are its input's.
        #expect(refusal { $0.tensors[2].channels = 19 } == .op(index: Op.depthwise, .shapesDisagree))
        #expect(refusal { $0.ops[Op.add].inputs[1] = 1 } == .op(index: Op.add, .shapesDisagree))
    }

    @Test func windows() {
        func convolution(_ change: @escaping (inout ModelFileBuilder.Op) -> Void) -> ModelError? {
            refusal { change(&$0.ops[Op.maxPool]) }
        }
        let refused = ModelError.op(index: Op.maxPool, .window)
        #expect(convolution { $0.kernel.height = 0 } == refused)
        #expect(convolution { $0.kernel.width = 65 } == refused)
        #expect(convolution { $0.stride.height = 0 } == refused)
        #expect(convolution { $0.stride.width = 0 } == refused)
        #expect(convolution { $0.pads.top = 2 } == refused)
        #expect(convolution { $0.pads.right = 2 } == refused)
        #expect(convolution { $0.kernel.height = 30 } == refused)  // larger than the padded image
    }

    @Test func rangesScalesAndQuantization() {
        func put(_ value: Float, _ op: Int, _ field: Int) -> ModelError? {
            refusal(putting: littleEndian(value.bitPattern), at: layout.op(op, field))
        }
        for op in [
            Op.convolution, Op.depthwise, Op.pointwise, Op.add, Op.multiply, Op.globalAveragePool, Op.fullyConnected,
        ] {
            let refused = refusal { $0.ops[op].clamp = (201, 200) }
            #expect(refused == .op(index: op, .clamp))
        }
        for bad in [-1, Float.nan, .infinity, 1e8] {
            for (op, field) in [
                (Op.add, OpField.scale0), (Op.add, OpField.scale1), (Op.multiply, OpField.scale0),
                (Op.globalAveragePool, OpField.scale0),
            ] {
                #expect(put(bad, op, field) == .op(index: op, .scale), "\(bad)")
            }
        }
        for (tensor, op) in [(7, Op.concat), (9, Op.maxPool), (10, Op.globalMaxPool)] {
            let scale = refusal { $0.tensors[tensor].scale *= 2 }
            #expect(scale == .op(index: op, .quantizationDiffers))
            let zeroPoint = refusal { $0.tensors[tensor].zeroPoint ^= 1 }
            #expect(zeroPoint == .op(index: op, .quantizationDiffers))
        }
    }

    @Test func constantsPlaces() {
        func put(_ value: Int, _ op: Int, _ field: Int) -> ModelError? {
            refusal(putting: littleEndian(Int64(value)), at: layout.op(op, field))
        }
        let size = layout.sections[2].count
        for op in [Op.convolution, Op.depthwise, Op.pointwise, Op.fullyConnected] {
            for field in [OpField.weights, OpField.bias, OpField.multiplier] {
                #expect(put(32, op, field) == .op(index: op, .constantMisaligned))
                #expect(put((size + 63) / 64 * 64, op, field) == .op(index: op, .constantOutOfBounds))
                #expect(put(-64, op, field) == .op(index: op, .constantOutOfBounds))
            }
            let bytes = layout.constants[op]["weights"]?.count ?? 0
            #expect(put(bytes - 16, op, OpField.weightsBytes) == .op(index: op, .constantOfWrongSize))
            #expect(put(Int.max, op, OpField.weightsBytes) == .op(index: op, .constantOfWrongSize))
        }
        #expect(put(32, Op.table, OpField.table) == .op(index: Op.table, .constantMisaligned))
        #expect(put(1 << 40, Op.table, OpField.table) == .op(index: Op.table, .constantOutOfBounds))

        // Two ops with one bias: the bias that is left over is a gap that is not zero, or the two overlap, whichever is met first.
        let start = layout.sections[2].lowerBound
        let first = (layout.constants[Op.depthwise]["bias"]?.lowerBound ?? 0) - start
        #expect(put(first, Op.pointwise, OpField.bias) == .constantsOverlap(offset: UInt64(start + first)))
        // A byte between two constants.
        let end = layout.constants[Op.depthwise]["weights"]?.upperBound ?? 0
        #expect(end % 64 != 0)
        #expect(refusal(putting: [9], at: end) == .constantGapNotZero(offset: UInt64(end)))
    }

    /// Records that all name the same weights would make the loader read them once for each.
    @Test func manyOpsWithTheSameWeightsAreRefused() {
        var network = ModelFileBuilder()
        network.tensors = [.init(height: 1, width: 1, channels: 3)]
        for op in 0..<6 {
            network.tensors.append(.init(height: 1, width: 1, channels: 3))
            network.ops.append(
                .init(
                    code: .pointwise, inputs: [op], output: op + 1, clamp: (0, 255),
                    weights: [Int8](repeating: 1, count: 9), bias: [0, 0, 0], multiplier: [1, 1, 1]))
        }
        var (file, layout) = network.build(selfTest: false)
        for op in 1..<6 {
            for field in [OpField.weights, OpField.bias, OpField.multiplier] {
                let first = layout.op(0, field), place = layout.op(op, field)
                file.replaceSubrange(place..<place + 8, with: file[first..<first + 8])
            }
        }
        ModelFileBuilder.repair(&file)
        guard case .constantsOverlap? = TinyRuntimeTests.refusal(file) else {
            Issue.record("shared weights were accepted")
            return
        }
    }

    @Test func opsMayShareATable() throws {
        var network = ModelFileBuilder()
        network.tensors = (0..<3).map { _ in .init(height: 1, width: 1, channels: 3) }
        let table = (0..<256).map { UInt8(255 - $0) }
        network.ops = [
            .init(code: .table, inputs: [0], output: 1, table: table),
            .init(code: .table, inputs: [1], output: 2, table: table),
        ]
        var (file, layout) = network.build()
        let first = layout.op(0, OpField.table), second = layout.op(1, OpField.table)
        file.replaceSubrange(second..<second + 8, with: file[first..<first + 8])
        // The second table's bytes are nobody's now.
        if let place = layout.constants[1]["table"] {
            file.replaceSubrange(place, with: [UInt8](repeating: 0, count: 256))
        }
        ModelFileBuilder.repair(&file)
        try Session(model: load(file)).selfTest()
    }

    @Test func weightsAndMultipliers() {
        func put(_ bytes: [UInt8], _ op: Int, _ constant: String, at index: Int) -> ModelError? {
            refusal(putting: bytes, at: (layout.constants[op][constant]?.lowerBound ?? 0) + index)
        }
        for op in [Op.convolution, Op.depthwise, Op.pointwise, Op.fullyConnected] {
            func refused(_ problem: OpProblem) -> ModelError { .op(index: op, problem) }
            #expect(put([0x80], op, "weights", at: 3) == refused(.weightOutOfRange))
            for bad in [-0.5, Float.nan, .infinity, 1e9] {
                #expect(put(littleEndian(bad.bitPattern), op, "multiplier", at: 8) == refused(.multiplier), "\(bad)")
            }
            #expect(put(littleEndian(Int32.max), op, "bias", at: 4) == refused(.accumulatorOverflow))
            #expect(put(littleEndian(Int32.min), op, "bias", at: 4) == refused(.accumulatorOverflow))
        }
        // Channel 16 + 4 is the first that only fills up (20 channels).
        for op in [Op.convolution, Op.depthwise, Op.pointwise] {
            #expect(put([1], op, "bias", at: 4 * 20) == .op(index: op, .packingNotZero))
            #expect(put([1], op, "multiplier", at: 4 * 31) == .op(index: op, .packingNotZero))
        }
        // Convolution: K = 27, rounded up to 28: value 27 of channel 2 fills up. Channel 20 in the second block does, too.
        #expect(put([1], Op.convolution, "weights", at: 6 * 64 + 2 * 4 + 3) == .op(index: 0, .packingNotZero))
        #expect(put([1], Op.convolution, "weights", at: 16 * 28 + 4 * 4) == .op(index: 0, .packingNotZero))
        #expect(put([1], Op.depthwise, "weights", at: 16 * 9 + 4) == .op(index: Op.depthwise, .packingNotZero))
    }

    /// The largest sum that is allowed, and one more.
    @Test func theAccumulatorsBoundIsExact() {
        func network(bias: Int32) -> [UInt8] {
            var network = ModelFileBuilder()
            network.tensors = [.init(height: 1, width: 1, channels: 3), .init(height: 1, width: 1, channels: 1)]
            network.ops = [
                .init(
                    code: .fullyConnected, inputs: [0], output: 1, clamp: (0, 255), weights: [127, -127, 1],
                    bias: [bias],
                    multiplier: [0.25])
            ]
            return network.build(selfTest: false).bytes
        }
        let largest = Int32.max - 255 * 255
        #expect(TinyRuntimeTests.refusal(network(bias: largest)) == nil)
        #expect(TinyRuntimeTests.refusal(network(bias: -largest)) == nil)
        #expect(TinyRuntimeTests.refusal(network(bias: largest + 1)) == .op(index: 0, .accumulatorOverflow))
        #expect(TinyRuntimeTests.refusal(network(bias: -largest - 1)) == .op(index: 0, .accumulatorOverflow))
    }

    @Test func orderAndMemory() {
        #expect(refusal { $0.ops.swapAt(0, 1) } == .op(index: 0, .inputNotWrittenBefore))
        #expect(refusal { $0.ops[Op.add].output = 2 } == .op(index: Op.add, .outputWrittenTwice))
        #expect(refusal { $0.ops[Op.add].inputs = [2, 4] } == .op(index: Op.add, .inputNotWrittenBefore))
        // The convolution's output over its own input; the table's over a tensor that a later op needs.
        #expect(refusal { $0.tensors[1].arenaOffset = 0 } == .op(index: 0, .outputOverlapsLiveTensor))
        #expect(
            refusal { $0.tensors[5].arenaOffset = $0.arenaOffsets[4] }
                == .op(index: Op.table, .outputOverlapsLiveTensor))
        // A pointwise does not work in place, even where its input dies.
        #expect(
            refusal { $0.tensors[7].arenaOffset = $0.arenaOffsets[4] } == .op(index: Op.wide, .outputOverlapsLiveTensor)
        )
    }

    @Test func labels() {
        #expect(refusal { $0.labels.removeLast() } == .outOfRange(offset: UInt64(Header.labelCount)))
        let texts = layout.sections[3].lowerBound + 4 * 5
        #expect(refusal(putting: [0xFF], at: texts) == .label(index: 0, .notUTF8))
        #expect(refusal(putting: [0xC0, 0x80], at: texts) == .label(index: 0, .notUTF8))  // overlong
        #expect(refusal(putting: [0xED, 0xA0, 0x80], at: texts) == .label(index: 0, .notUTF8))  // surrogate
        #expect(refusal(putting: [0xF4, 0x90, 0x80, 0x80], at: texts) == .label(index: 0, .notUTF8))  // beyond U+10FFFF
        for control in [[0], [0x0A], [0x1B], [0x7F], [0xC2, 0x9B]] as [[UInt8]] {
            #expect(refusal(putting: control, at: texts) == .label(index: 0, .controlCharacter))
        }
        let ends = layout.sections[3].lowerBound
        #expect(refusal(putting: littleEndian(UInt32.max), at: ends + 4) == .label(index: 1, .endOffset))
        #expect(refusal(putting: littleEndian(UInt32(0)), at: ends + 8) == .label(index: 2, .endOffset))
        let last = littleEndian(UInt32(layout.sections[3].count - 4 * 5 - 1))
        #expect(refusal(putting: last, at: ends + 16) == .label(index: 4, .endOffset))  // a byte is left over
        #expect(refusal { $0.labels = [] } == nil)
    }

    @Test func selfTestSection() {
        let start = layout.sections[4].lowerBound
        #expect(refusal(putting: [6], at: start + 8) == .outOfRange(offset: UInt64(start + 8)))
        var file = Array(Self.base.bytes.dropLast())
        file.replaceSubrange(
            Header.sections + 72..<Header.sections + 80, with: littleEndian(UInt64(layout.sections[4].count - 1)))
        ModelFileBuilder.repair(&file)
        #expect(TinyRuntimeTests.refusal(file) == .sectionOfWrongSize(section: 4))
    }

    @Test func tooMuchWork() {
        // 8192 × 8192 outputs of a 64 × 64 maximum: 2²⁶ · 2¹² steps.
        var network = ModelFileBuilder()
        network.tensors = [
            .init(height: 4096, width: 4096, channels: 3), .init(height: 4033, width: 4033, channels: 3),
            .init(height: 1, width: 1, channels: 3),
        ]
        network.ops = [
            .init(code: .maxPool, inputs: [0], output: 1, kernel: (64, 64), stride: (1, 1)),
            .init(code: .globalMaxPool, inputs: [1], output: 2),
        ]
        #expect(TinyRuntimeTests.refusal(network.build(selfTest: false).bytes) == .op(index: 0, .tooMuchWork))
    }

    @Test func everyProblemHasItsWords() {
        let words =
            (0..<255).compactMap { TensorProblem(rawValue: $0)?.reason.text }
            + (0..<255).compactMap { OpProblem(rawValue: $0)?.reason.text }
            + (0..<255).compactMap { LabelProblem(rawValue: $0)?.reason.text }
        #expect(Set(words).count == words.count && words.allSatisfy { !$0.isEmpty })
        #expect("\(ModelError.op(index: 4, .unknownCode))" == "unknown op (op 4)")
        #expect("\(ModelError.wrongLength(stated: 10, actual: 300))".hasSuffix("(300 bytes, not 10)"))
    }
}
