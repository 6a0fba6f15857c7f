// ModelWriter: the planned network as the bytes of a `.tiny` file. Offsets and codes are the runtime's own
// (`ModelLayout`); what they mean is docs/format.md. Equal input gives equal bytes: nothing of time, place or hashing
// order goes in. The self-test's answers come from the real runtime's plain kernels, run once on the finished file;
// then the runtime must accept the file, or nothing is returned.

import Foundation
import ModelGraph
import Tensors
import TinyRuntime

package enum ModelWriter {
    /// - Parameters:
    ///   - temperature: of the softmax, above 0; 1 is as trained.
    ///   - rejectionThreshold: 0…1; 0 rejects nothing.
    /// - Throws: `ConversionError.tooLarge`, `.labelCount`, `.refusedByRuntime`.
    package static func write(
        _ planned: PlannedGraph, metadata: ModelMetadata, temperature: Float = 1, rejectionThreshold: Float = 0
    ) throws -> Data {
        var file = try draft(
            planned, metadata: metadata, temperature: temperature, rejectionThreshold: rejectionThreshold)
        try SelfTest.fill(&file, opCount: planned.graph.ops.count)
        seal(&file)
        try SelfTest.accept(file)
        return file
    }

    /// The bytes with an empty self-test: for runs inside the converter, never to be published.
    /// - Throws: `ConversionError.tooLarge`, `.labelCount`.
    static func draft(
        _ planned: PlannedGraph, metadata: ModelMetadata, temperature: Float = 1, rejectionThreshold: Float = 0
    ) throws -> Data {
        try check(planned.graph, metadata: metadata)
        var file = assemble(planned, metadata: metadata)
        file.put(temperature, at: ModelLayout.Header.temperature)
        file.put(rejectionThreshold, at: ModelLayout.Header.rejectionThreshold)
        seal(&file)
        return file
    }

    private static func check(_ graph: QuantizedGraph, metadata: ModelMetadata) throws {
        let classes = graph.tensors[graph.output].channels
        guard metadata.labels.isEmpty || metadata.labels.count == classes else {
            throw ConversionError.labelCount(labels: metadata.labels.count, classes: classes)
        }
        guard graph.tensors.count <= Int(ModelLayout.Limit.tensors), graph.ops.count <= Int(ModelLayout.Limit.ops)
        else {
            throw ConversionError.tooLarge("\(graph.tensors.count) tensors, \(graph.ops.count) ops")
        }
        for tensor in graph.tensors {
            guard max(tensor.height, tensor.width) <= Int(ModelLayout.Limit.side),
                tensor.channels <= Int(ModelLayout.Limit.channels)
            else {
                throw ConversionError.tooLarge(
                    "edge '\(tensor.name)' has \(tensor.height)×\(tensor.width)×\(tensor.channels) values")
            }
        }
    }

    // MARK: The whole file

    private static func assemble(_ planned: PlannedGraph, metadata: ModelMetadata) -> Data {
        let graph = planned.graph
        var constants = Constants()
        var ops = Data()
        for step in planned.steps {
            for index in step {
                var record = record(of: graph.ops[index], in: graph, constants: &constants)
                if index == step.lowerBound && step.count > 1 {
                    record.put(UInt16(step.count), at: ModelLayout.OpRecord.blockLength)
                }
                ops.append(record)
            }
        }
        var tensors = Data()
        for (tensor, place) in zip(graph.tensors, planned.places) { tensors.append(record(of: tensor, at: place)) }
        let classes = graph.tensors[graph.output].channels
        let selfTest = SelfTest.empty(opCount: graph.ops.count, outputCount: classes)

        var file = Data(count: ModelLayout.Header.bytes)
        var places: [(offset: Int, bytes: Int)] = []
        // In Section's order.
        for section in [tensors, ops, constants.bytes, labelSection(metadata.labels), selfTest] {
            file.pad()
            places.append((file.count, section.count))
            file.append(section)
        }
        header(&file, planned, metadata: metadata, sections: places)
        return file
    }

    private static func header(
        _ file: inout Data, _ planned: PlannedGraph, metadata: ModelMetadata, sections: [(offset: Int, bytes: Int)]
    ) {
        typealias Header = ModelLayout.Header
        let graph = planned.graph
        for index in 0..<8 { file.put(ModelLayout.magic[index], at: index) }
        file.put(ModelLayout.version, at: Header.version)
        file.put(UInt64(file.count), at: Header.fileBytes)
        file.put(UInt32(graph.tensors.count), at: Header.tensorCount)
        file.put(UInt32(graph.ops.count), at: Header.opCount)
        file.put(UInt32(QuantizedGraph.input), at: Header.inputTensor)
        file.put(UInt32(graph.output), at: Header.outputTensor)
        file.put(UInt64(planned.arenaBytes), at: Header.arenaBytes)
        file.put(UInt32(metadata.labels.count), at: Header.labelCount)
        let preprocessing = metadata.preprocessing
        file.put(preprocessing.resizeMode.rawValue, at: Header.resizeMode)
        file.put(preprocessing.filter.rawValue, at: Header.filter)
        file.put(UInt8(preprocessing.decodeScaling ? 1 : 0), at: Header.decodeScaling)
        file.put(UInt32(preprocessing.resizeWidth), at: Header.resizeWidth)
        file.put(UInt32(preprocessing.resizeHeight), at: Header.resizeHeight)
        file.put(UInt32(preprocessing.cropWidth), at: Header.cropWidth)
        file.put(UInt32(preprocessing.cropHeight), at: Header.cropHeight)
        for (index, section) in sections.enumerated() {
            file.put(UInt64(section.offset), at: Header.sections + 16 * index)
            file.put(UInt64(section.bytes), at: Header.sections + 16 * index + 8)
        }
    }

    /// The checksum is of the whole file with its own eight bytes as zero.
    private static func seal(_ file: inout Data) {
        file.put(UInt64(0), at: ModelLayout.Header.checksum)
        let checksum = file.withUnsafeBytes { XXH64.hash($0) }
        file.put(checksum, at: ModelLayout.Header.checksum)
    }

    private static func labelSection(_ labels: [String]) -> Data {
        var ends = Data()
        var text = Data()
        for label in labels {
            text.append(contentsOf: label.utf8)
            ends.append(little: UInt32(text.count))
        }
        return ends + text
    }

    // MARK: Records

    private static func record(of tensor: QuantizedGraph.Tensor, at place: PlannedGraph.Place) -> Data {
        typealias Record = ModelLayout.TensorRecord
        var record = Data(count: Record.bytes)
        record.put(UInt32(tensor.height), at: Record.height)
        record.put(UInt32(tensor.width), at: Record.width)
        record.put(UInt32(tensor.channels), at: Record.channels)
        record.put(tensor.affine.scale, at: Record.scale)
        record.put(tensor.affine.zeroPoint, at: Record.zeroPoint)
        record.put(UInt8(place.isInterior ? 1 : 0), at: Record.interior)
        record.put(UInt32(place.pixelStride), at: Record.pixelStride)
        record.put(UInt64(place.offset), at: Record.arenaOffset)
        return record
    }

    private static func record(of op: QuantizedGraph.Op, in graph: QuantizedGraph, constants: inout Constants) -> Data {
        typealias Record = ModelLayout.OpRecord
        var record = Data(count: Record.bytes)
        record.put(op.kind.code.rawValue, at: Record.code)
        record.put(UInt16(op.inputs.count), at: Record.inputCount)
        for (index, input) in op.inputs.enumerated() { record.put(UInt32(input), at: Record.inputs + 4 * index) }
        record.put(UInt32(op.output), at: Record.output)
        if op.kind.clamps {
            record.put(op.clamp.lowerBound, at: Record.clampMin)
            record.put(op.clamp.upperBound, at: Record.clampMax)
        }
        switch op.kind {
        case .convolution(let weights, let window, let padPixel):
            // A pointwise op has no window: kernel and strides are 1 by its code.
            if op.kind.code == .convolution { record.put(window) }
            for (index, value) in padPixel.enumerated() { record.put(value, at: Record.padPixel + index) }
            constants.add([weights], packed: WeightPacker.packDense(weights), to: &record)
        case .depthwise(let weights, let window):
            record.put(window)
            constants.add([weights], packed: WeightPacker.packDepthwise(weights), to: &record)
        case .groupedConvolution(let weights, let window, let groups):
            record.put(window)
            record.put(UInt16(groups), at: Record.parameter)
            let parts = weights.split(into: groups)
            constants.add(parts, packed: parts.flatMap(WeightPacker.packDense), to: &record)
        case .fullyConnected(let weights):
            constants.add([weights], packed: WeightPacker.packDense(weights), to: &record)
        case .averagePool(let scale, let window, let countsPadding):
            record.put(window)
            record.put(scale, at: Record.scale0)
            record.put(UInt16(countsPadding ? 1 : 0), at: Record.parameter)
        case .maxPool(let window): record.put(window)
        case .table(let table): record.put(UInt64(constants.place(table)), at: Record.table)
        case .add(let scale0, let scale1):
            record.put(scale0, at: Record.scale0)
            record.put(scale1, at: Record.scale1)
        case .multiply(let scale), .scaleChannels(let scale), .globalAveragePool(let scale):
            record.put(scale, at: Record.scale0)
        case .concat, .globalMaxPool: break
        }
        return record
    }
}

/// The constants section as it grows: each constant at a multiple of 64, equal tables once.
private struct Constants {
    var bytes = Data()
    private var tables: [[UInt8]: Int] = [:]

    mutating func place(_ table: [UInt8]) -> Int {
        if let known = tables[table] { return known }
        bytes.pad()
        tables[table] = bytes.count
        bytes.append(contentsOf: table)
        return bytes.count - table.count
    }

    /// - Parameter parts: a layer, or the groups of one; each is rounded up to whole blocks of channels.
    mutating func add(_ parts: [QuantizedWeights], packed: [Int8], to record: inout Data) {
        typealias Record = ModelLayout.OpRecord
        bytes.pad()
        record.put(UInt64(bytes.count), at: Record.weights)
        record.put(UInt64(packed.count), at: Record.weightsBytes)
        bytes.append(contentsOf: packed.map { UInt8(bitPattern: $0) })
        bytes.pad()
        record.put(UInt64(bytes.count), at: Record.bias)
        for bias in parts.flatMap({ WeightPacker.pad($0.bias, with: 0) }) { bytes.append(little: bias) }
        bytes.pad()
        record.put(UInt64(bytes.count), at: Record.multiplier)
        for multiplier in parts.flatMap({ WeightPacker.pad($0.multiplier, with: 0) }) {
            bytes.append(little: multiplier.bitPattern)
        }
    }
}

extension QuantizedGraph.Kind {
    var code: ModelLayout.OpCode {
        switch self {
        case .convolution(_, let window, _): window == Window(kernel: 1) ? .pointwise : .convolution
        case .depthwise: .depthwise
        case .groupedConvolution: .groupedConvolution
        case .fullyConnected: .fullyConnected
        case .add: .add
        case .multiply: .multiply
        case .scaleChannels: .scaleChannels
        case .table: .table
        case .concat: .concat
        case .globalAveragePool: .globalAveragePool
        case .globalMaxPool: .globalMaxPool
        case .maxPool: .maxPool
        case .averagePool: .averagePool
        }
    }

    /// The others pass bytes on or look them up; their clamp fields are unused, so zero.
    var clamps: Bool {
        switch self {
        case .convolution, .depthwise, .groupedConvolution, .fullyConnected, .add, .multiply, .scaleChannels,
            .globalAveragePool, .averagePool:
            true
        case .table, .concat, .globalMaxPool, .maxPool: false
        }
    }
}

extension Data {
    mutating func pad() {
        append(Data(count: (ModelLayout.alignment - count % ModelLayout.alignment) % ModelLayout.alignment))
    }

    mutating func append(little value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    mutating func put(_ value: some FixedWidthInteger, at offset: Int) {
        Swift.withUnsafeBytes(of: value.littleEndian) { replaceSubrange(offset..<(offset + $0.count), with: $0) }
    }

    mutating func put(_ value: Float, at offset: Int) { put(value.bitPattern, at: offset) }

    fileprivate mutating func put(_ window: Window) {
        typealias Record = ModelLayout.OpRecord
        put(UInt16(window.kernelHeight), at: Record.kernelHeight)
        put(UInt16(window.kernelWidth), at: Record.kernelWidth)
        put(UInt16(window.strideHeight), at: Record.strideHeight)
        put(UInt16(window.strideWidth), at: Record.strideWidth)
        put(UInt16(window.padTop), at: Record.padTop)
        put(UInt16(window.padBottom), at: Record.padBottom)
        put(UInt16(window.padLeft), at: Record.padLeft)
        put(UInt16(window.padRight), at: Record.padRight)
    }
}
