// EdgeModel: a validated view of a `.tiny` file's bytes. Everything is checked here, once: after this, running trusts the file.
// Left out: owning the bytes (Model) and the memory to run in (Session).

public struct EdgeModel: @unchecked Sendable {  // the bytes are only read
    private let reader: ByteReader
    let header: ModelHeader
    public let tensors: [ModelTensor]
    /// In the order of execution.
    public let ops: [ModelOp]
    let prepared: [PreparedOp]
    /// What runs as one: ranges of op indices, each of one op or of a block's.
    public let steps: [Range<Int>]
    /// What the tensors inside blocks take behind the arena where ops run one by one.
    let interiorBytes: Int

    /// Checks the whole file (docs/format.md lists the rules). Cost: reading every byte about twice.
    ///
    /// - Parameter bytes: the file, starting at a multiple of 64; must outlive this value and every copy of it.
    /// - Throws: the first thing that is wrong, with its place.
    public init(validating bytes: UnsafeRawBufferPointer) throws(ModelError) {
        guard UInt(bitPattern: bytes.baseAddress) % UInt(ModelLayout.alignment) == 0 else { throw .misalignedBytes }
        let reader = ByteReader(bytes: bytes)
        let header = try ModelHeader(reader)
        self.reader = reader
        self.header = header
        var tensors = try Self.readTensors(reader, header)
        let ops = try Self.readOps(reader, header)
        let steps = try ModelSteps(ops: ops, tensors: &tensors, arenaEnd: Self.arenaEnd(header))
        self.tensors = tensors
        self.ops = ops
        self.steps = steps.ranges
        interiorBytes = steps.interiorBytes
        prepared = try Self.prepareOps(reader, header, tensors: tensors, ops: ops)
        try MemoryPlan.check(
            tensors: tensors, ops: ops, steps: self.steps, input: Int(header.inputTensor), output: Int(header.outputTensor))
        try Self.checkEnds(header, tensors: tensors)
        try LabelSection.check(reader, section: header.section(.labels), count: Int(header.labelCount))
        try Self.checkSelfTest(reader, header, outputCount: tensors[Int(header.outputTensor)].channels)
    }

    private static func readTensors(_ reader: ByteReader, _ header: ModelHeader) throws(ModelError) -> [ModelTensor] {
        let section = header.section(.tensors)
        let bytes = UInt64(ModelLayout.TensorRecord.bytes)
        guard UInt64(section.count) == UInt64(header.tensorCount) * bytes else {
            throw .sectionOfWrongSize(section: ModelLayout.Section.tensors.rawValue)
        }
        var tensors: [ModelTensor] = []
        tensors.reserveCapacity(Int(header.tensorCount))
        for index in 0..<Int(header.tensorCount) {
            tensors.append(
                try ModelTensor(
                    reader, at: section.lowerBound + UInt64(index) * bytes, index: index, arenaBytes: header.arenaBytes)
            )
        }
        return tensors
    }

    private static func readOps(_ reader: ByteReader, _ header: ModelHeader) throws(ModelError) -> [ModelOp] {
        let section = header.section(.ops)
        let bytes = UInt64(ModelLayout.OpRecord.bytes)
        guard UInt64(section.count) == UInt64(header.opCount) * bytes else {
            throw .sectionOfWrongSize(section: ModelLayout.Section.ops.rawValue)
        }
        var ops: [ModelOp] = []
        ops.reserveCapacity(Int(header.opCount))
        for index in 0..<Int(header.opCount) {
            ops.append(
                try ModelOp(
                    reader, at: section.lowerBound + UInt64(index) * bytes, index: index,
                    tensorCount: Int(header.tensorCount)))
        }
        return ops
    }

    private static func prepareOps(
        _ reader: ByteReader, _ header: ModelHeader, tensors: [ModelTensor], ops: [ModelOp]
    ) throws(ModelError) -> [PreparedOp] {
        var constants = ConstantPool(reader, section: header.section(.constants))
        var prepared: [PreparedOp] = []
        prepared.reserveCapacity(ops.count)
        var work: UInt64 = 0
        for (index, op) in ops.enumerated() {
            let context = OpContext(index: index, op: op, tensors: tensors)
            prepared.append(try PreparedOp(preparing: context, constants: &constants))
            work += op.work(tensors)
            try context.require(work <= ModelLayout.Limit.work, .tooMuchWork)
        }
        try constants.requireNoOverlapAndNoGap()
        return prepared
    }

    /// Behind the file's arena, a multiple of 64.
    private static func arenaEnd(_ header: ModelHeader) -> Int {
        (Int(header.arenaBytes) + ModelLayout.alignment - 1) / ModelLayout.alignment * ModelLayout.alignment
    }

    /// The network's two ends: the photo's pixels as the preprocessing gives them, and one value a class.
    private static func checkEnds(_ header: ModelHeader, tensors: [ModelTensor]) throws(ModelError) {
        let (input, output) = (Int(header.inputTensor), Int(header.outputTensor))
        let preprocessing = header.preprocessing
        guard tensors[input].width == preprocessing.cropWidth, tensors[input].height == preprocessing.cropHeight,
            tensors[input].channels == 3
        else { throw .tensor(index: input, .inputNotAsPreprocessed) }
        guard tensors[output].pixels == 1 else { throw .tensor(index: output, .outputNotAVector) }
        guard header.labelCount == 0 || Int(header.labelCount) == tensors[output].channels else {
            throw .outOfRange(offset: UInt64(ModelLayout.Header.labelCount))
        }
    }

    private static func checkSelfTest(
        _ reader: ByteReader, _ header: ModelHeader, outputCount: Int
    ) throws(ModelError) {
        typealias Field = ModelLayout.SelfTest
        let section = header.section(.selfTest)
        let bytes = UInt64(Field.opHashes) + 8 * UInt64(header.opCount) + UInt64(outputCount)
        guard UInt64(section.count) == bytes else {
            throw .sectionOfWrongSize(section: ModelLayout.Section.selfTest.rawValue)
        }
        let countOffset = section.lowerBound + UInt64(Field.outputCount)
        guard try reader.u32(at: countOffset) == UInt32(outputCount) else { throw .outOfRange(offset: countOffset) }
        try reader.requireZero(from: countOffset + 4, to: section.lowerBound + UInt64(Field.opHashes))
    }
}

extension EdgeModel {
    public var fileBytes: UnsafeRawBufferPointer { reader.bytes }
    public var version: Int { Int(header.version) }
    public var inputTensor: ModelTensor { tensors[Int(header.inputTensor)] }
    public var outputTensor: ModelTensor { tensors[Int(header.outputTensor)] }
    public var inputWidth: Int { inputTensor.width }
    public var inputHeight: Int { inputTensor.height }
    public var classCount: Int { outputTensor.channels }
    /// Peak of the activations, those inside blocks left out. A session needs this and its kernels' memory:
    /// `Session.arenaBytes(for:instructionSet:threads:fused:)`.
    public var arenaBytes: Int { Int(header.arenaBytes) }
    public var preprocessing: Preprocessing { header.preprocessing }
    /// > 0; logits are divided by it before softmax.
    public var temperature: Float { header.temperature }
    /// 0…1; a photo whose best probability is below it is rejected.
    public var rejectionThreshold: Float { header.rejectionThreshold }
    public var checksum: UInt64 { storedInteger(at: UInt64(ModelLayout.Header.checksum)) }

    /// 0 or `classCount`
    public var labelCount: Int { Int(header.labelCount) }

    /// UTF-8 without control characters, valid as long as the file's bytes; empty where `index` is not in `0 ..< labelCount`.
    public func label(_ index: Int) -> UnsafeBufferPointer<UInt8> {
        let nothing = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
        guard index >= 0, index < labelCount, let base = reader.bytes.baseAddress else { return nothing }
        let section = header.section(.labels).lowerBound
        let text = section + 4 * UInt64(labelCount)
        let start = index == 0 ? 0 : labelEnd(index - 1, section)
        let end = labelEnd(index, section)
        let pointer = (base + Int(text + start)).assumingMemoryBound(to: UInt8.self)
        return UnsafeBufferPointer(start: pointer, count: Int(end - start))
    }

    private func labelEnd(_ index: Int, _ section: UInt64) -> UInt64 {
        (try? UInt64(reader.u32(at: section + 4 * UInt64(index)))) ?? 0  // validated: cannot throw
    }

    /// Where the self-test's input begins.
    var selfTestSeed: UInt64 { storedInteger(at: selfTestStart + UInt64(ModelLayout.SelfTest.seed)) }

    /// XXH64 of the bytes that op `index` gives.
    func selfTestHash(_ index: Int) -> UInt64 {
        storedInteger(at: selfTestStart + UInt64(ModelLayout.SelfTest.opHashes + 8 * index))
    }

    /// Channel `index` of the output.
    func selfTestOutput(_ index: Int) -> UInt8 {
        let offset = UInt64(ModelLayout.SelfTest.opHashes + 8 * ops.count + index)
        return (try? reader.u8(at: selfTestStart + offset)) ?? 0  // validated: cannot throw
    }

    private var selfTestStart: UInt64 { header.section(.selfTest).lowerBound }
    // Validated: cannot throw.
    private func storedInteger(at offset: UInt64) -> UInt64 { (try? reader.u64(at: offset)) ?? 0 }
}
