// ModelFileBuilder: writes `.tiny` files for tests from docs/format.md alone, without the Converter. Weights are given in the order
// [N][K] (K = kernel row, kernel column, channel) or [C][tap] and packed here. Every field can be set to something wrong.

import TinyRuntime

struct ModelFileBuilder {
    struct Tensor {
        var height: Int
        var width: Int
        var channels: Int
        var scale: Float = 0.05
        var zeroPoint: UInt8 = 0
        /// nil: behind all the tensors before it.
        var arenaOffset: Int?
        /// Inside a block, without a place.
        var isInterior = false
        /// 0, or the channels of the concat's output that it stands in.
        var pixelStride = 0
        var bytes: Int { height * width * channels }
    }

    struct Op {
        var code: ModelLayout.OpCode
        var inputs: [Int]
        var output: Int
        var kernel = (height: 0, width: 0)
        var stride = (height: 0, width: 0)
        var pads = (top: 0, bottom: 0, left: 0, right: 0)
        var clamp: (min: UInt8, max: UInt8) = (0, 0)
        var padPixel: [UInt8] = [0, 0, 0, 0]
        /// [N][K] or [C][tap]; bias and multiplier a channel
        var weights: [Int8] = []
        var bias: [Int32] = []
        var multiplier: [Float] = []
        var table: [UInt8] = []
        var scale0: Float = 0
        var scale1: Float = 0
        /// Groups, or whether padding counts.
        var parameter = 0
        var blockLength = 0
        var groups: Int { code == .groupedConvolution ? max(parameter, 1) : 1 }

        var hasWeights: Bool {
            switch code {
            case .convolution, .pointwise, .depthwise, .groupedConvolution, .fullyConnected: true
            default: false
            }
        }
    }

    var tensors: [Tensor] = []
    var ops: [Op] = []
    var inputTensor = 0
    /// nil: the last op's output.
    var outputTensor: Int?
    var labels: [String] = []
    var temperature: Float = 1
    var rejectionThreshold: Float = 0
    /// mode, filter, decode scaling
    var preprocessing: [UInt8] = [0, 0, 0]
    /// nil: the input's size
    var resize: (width: Int, height: Int)?
    var crop: (width: Int, height: Int)?
    var selfTestSeed: UInt64 = 1

    /// Where things went: for tests that change bytes.
    struct Layout {
        var sections: [Range<Int>] = []
        /// In the file, by op: weights, bias, multiplier, table.
        var constants: [[String: Range<Int>]] = []
        func tensor(_ index: Int, _ field: Int) -> Int { sections[0].lowerBound + 32 * index + field }
        func op(_ index: Int, _ field: Int) -> Int { sections[1].lowerBound + 128 * index + field }
    }

    var arenaOffsets: [Int] {
        var end = 0
        var offsets: [Int] = []
        for tensor in tensors {
            let offset = tensor.arenaOffset ?? (tensor.isInterior ? 0 : (end + 63) / 64 * 64)
            offsets.append(offset)
            // What stands in a concat's output ends with it.
            if !tensor.isInterior && tensor.pixelStride == 0 { end = max(end, offset + tensor.bytes) }
        }
        return offsets
    }

    var arenaBytes: Int {
        zip(arenaOffsets, tensors).map { $1.isInterior || $1.pixelStride > 0 ? 0 : $0 + $1.bytes }.max() ?? 0
    }

    /// The file. `selfTest` false leaves the self-test's answers zero (a valid file whose self-test fails), for networks that the
    /// reference cannot run.
    func build(selfTest: Bool = true) -> (bytes: [UInt8], layout: Layout) {
        var layout = Layout()
        var constants: [UInt8] = []
        var records: [[UInt8]] = []
        for op in ops {
            var places: [String: Range<Int>] = [:]
            func put(_ name: String, _ bytes: [UInt8]) {
                constants += [UInt8](repeating: 0, count: (64 - constants.count % 64) % 64)
                places[name] = constants.count..<(constants.count + bytes.count)
                constants += bytes
            }
            if op.hasWeights {
                let (channels, values) = (op.bias.count / op.groups, op.weights.count / op.groups)
                var (weights, bias, multiplier): ([UInt8], [UInt8], [UInt8]) = ([], [], [])
                for group in 0..<op.groups {
                    var part = op
                    part.weights = Array(op.weights[group * values..<(group + 1) * values])
                    part.bias = Array(op.bias[group * channels..<(group + 1) * channels])
                    part.multiplier = Array(op.multiplier[group * channels..<(group + 1) * channels])
                    let padding = (16 - channels % 16) % 16
                    weights += packed(part)
                    bias += (part.bias + [Int32](repeating: 0, count: padding)).flatMap { littleEndian($0) }
                    multiplier += (part.multiplier + [Float](repeating: 0, count: padding)).flatMap {
                        littleEndian($0.bitPattern)
                    }
                }
                put("weights", weights)
                put("bias", bias)
                put("multiplier", multiplier)
            }
            if op.code == .table { put("table", op.table) }
            records.append(record(op, places))
            layout.constants.append(places)
        }

        var names: [UInt8] = []
        var ends: [UInt8] = []
        for label in labels {
            names += label.utf8
            ends += littleEndian(UInt32(names.count))
        }

        let output = outputTensor ?? ops.last?.output ?? 0
        let classes = tensors[output].channels
        var test = littleEndian(selfTestSeed) + littleEndian(UInt32(classes)) + [0, 0, 0, 0]
        if selfTest {
            let outputs = ReferenceNetwork.run(self, input: ReferenceNetwork.selfTestInput(self))
            for bytes in outputs { test += littleEndian(bytes.withUnsafeBytes { XXH64.hash($0) }) }
            test += outputs.last ?? []
        } else {
            test += [UInt8](repeating: 0, count: 8 * ops.count + classes)
        }

        var file = header(output: output)
        for (index, section) in [tensorRecords, records.flatMap { $0 }, constants, ends + names, test].enumerated() {
            file += [UInt8](repeating: 0, count: (64 - file.count % 64) % 64)
            layout.sections.append(file.count..<(file.count + section.count))
            file.replaceSubrange(96 + 16 * index..<104 + 16 * index, with: littleEndian(UInt64(file.count)))
            file.replaceSubrange(104 + 16 * index..<112 + 16 * index, with: littleEndian(UInt64(section.count)))
            file += section
        }
        let start = layout.sections[2].lowerBound
        layout.constants = layout.constants.map { $0.mapValues { $0.lowerBound + start..<$0.upperBound + start } }
        Self.repair(&file)
        return (file, layout)
    }

    /// Sets the length and the checksum to what the bytes are.
    static func repair(_ file: inout [UInt8]) {
        guard file.count >= 32 else { return }
        file.replaceSubrange(16..<24, with: littleEndian(UInt64(file.count)))
        file.replaceSubrange(24..<32, with: [UInt8](repeating: 0, count: 8))
        let checksum = file.withUnsafeBytes { XXH64.hash($0) }
        file.replaceSubrange(24..<32, with: littleEndian(checksum))
    }

    private func header(output: Int) -> [UInt8] {
        let input = tensors[inputTensor]
        let resize = resize ?? (input.width, input.height)
        let crop = crop ?? (input.width, input.height)
        var file: [UInt8] = [0x89, 0x54, 0x49, 0x4E, 0x59, 0x0D, 0x0A, 0x1A]
        file += littleEndian(UInt32(2)) + littleEndian(UInt32(0))
        file += littleEndian(UInt64(0)) + littleEndian(UInt64(0))
        file += littleEndian(UInt32(tensors.count)) + littleEndian(UInt32(ops.count))
        file += littleEndian(UInt32(inputTensor)) + littleEndian(UInt32(output))
        file += littleEndian(UInt64(arenaBytes))
        file += littleEndian(UInt32(labels.count)) + littleEndian(temperature.bitPattern)
        file += littleEndian(rejectionThreshold.bitPattern) + littleEndian(UInt32(0))
        file += preprocessing + [0]
        file += littleEndian(UInt32(resize.width)) + littleEndian(UInt32(resize.height))
        file += littleEndian(UInt32(crop.width)) + littleEndian(UInt32(crop.height)) + littleEndian(UInt32(0))
        return file + [UInt8](repeating: 0, count: 256 - file.count)
    }

    private var tensorRecords: [UInt8] {
        zip(tensors, arenaOffsets).flatMap { tensor, offset -> [UInt8] in
            var record = littleEndian(UInt32(tensor.height)) + littleEndian(UInt32(tensor.width))
            record += littleEndian(UInt32(tensor.channels)) + littleEndian(tensor.scale.bitPattern)
            record += [tensor.zeroPoint, tensor.isInterior ? 1 : 0, 0, 0] + littleEndian(UInt32(tensor.pixelStride))
            return record + littleEndian(UInt64(offset))
        }
    }

    private func record(_ op: Op, _ places: [String: Range<Int>]) -> [UInt8] {
        var record = littleEndian(op.code.rawValue) + littleEndian(UInt16(op.inputs.count))
        for position in 0..<4 {
            record += littleEndian(UInt32(position < op.inputs.count ? op.inputs[position] : 0))
        }
        record += littleEndian(UInt32(op.output))
        for value in [
            op.kernel.height, op.kernel.width, op.stride.height, op.stride.width, op.pads.top, op.pads.bottom,
            op.pads.left,
            op.pads.right,
        ] {
            record += littleEndian(UInt16(value))
        }
        record += [op.clamp.min, op.clamp.max] + littleEndian(UInt16(op.parameter)) + op.padPixel
        record += littleEndian(UInt64(places["weights"]?.lowerBound ?? 0))
        record += littleEndian(UInt64(places["weights"]?.count ?? 0))
        for name in ["bias", "multiplier", "table"] { record += littleEndian(UInt64(places[name]?.lowerBound ?? 0)) }
        record += littleEndian(op.scale0.bitPattern) + littleEndian(op.scale1.bitPattern)
        record += littleEndian(UInt16(op.blockLength))
        return record + [UInt8](repeating: 0, count: 128 - record.count)
    }

    /// [N/16][K/4][16][4], or depthwise [C/16][taps][16]; what fills up is zero.
    private func packed(_ op: Op) -> [UInt8] {
        let channels = op.bias.count
        let values = op.weights.count / max(channels, 1)
        let blocks = (channels + 15) / 16
        let isDepthwise = op.code == .depthwise
        let steps = isDepthwise ? values : (values + 3) / 4 * 4
        var packed = [UInt8](repeating: 0, count: blocks * 16 * steps)
        for channel in 0..<channels {
            for value in 0..<values {
                let block = channel / 16 * 16 * steps
                let place =
                    isDepthwise
                    ? block + value * 16 + channel % 16 : block + value / 4 * 64 + channel % 16 * 4 + value % 4
                packed[place] = UInt8(bitPattern: op.weights[channel * values + value])
            }
        }
        return packed
    }
}

func littleEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    (0..<Value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> Value(8 * $0)) }
}
