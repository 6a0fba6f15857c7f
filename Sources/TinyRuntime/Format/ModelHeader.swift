// ModelHeader: the first 256 bytes, and the file as a whole: magic, version, length, checksum, sections without overlap or gap.
// What the sections contain is checked by EdgeModel.

struct ModelHeader {
    typealias Field = ModelLayout.Header

    let version: UInt32
    let fileBytes: UInt64
    let tensorCount: UInt32
    let opCount: UInt32
    let inputTensor: UInt32
    let outputTensor: UInt32
    let arenaBytes: UInt64
    let labelCount: UInt32
    let temperature: Float
    let rejectionThreshold: Float
    let preprocessing: Preprocessing
    private let sections: InlineArray<5, Range<UInt64>>

    /// Where a section stands in the file.
    func section(_ section: ModelLayout.Section) -> Range<UInt64> { sections[section.rawValue] }

    /// Checks in the order in which a reader would want to know: is it ours, is it whole, is it well-formed.
    init(_ reader: ByteReader) throws(ModelError) {
        guard reader.count >= UInt64(Field.bytes) else { throw .tooShort(bytes: reader.count) }
        for index in 0..<8 {
            guard try reader.u8(at: UInt64(index)) == ModelLayout.magic[index] else { throw .notATinyModel }
        }
        version = try reader.u32(at: UInt64(Field.version))
        guard version == ModelLayout.version else { throw .unsupportedVersion(version) }
        let flags = try reader.u32(at: UInt64(Field.flags))
        guard flags == 0 else { throw .unsupportedFlags(flags) }
        fileBytes = try reader.u64(at: UInt64(Field.fileBytes))
        guard fileBytes == reader.count else { throw .wrongLength(stated: fileBytes, actual: reader.count) }
        guard fileBytes <= ModelLayout.Limit.fileBytes else { throw .limitExceeded(offset: UInt64(Field.fileBytes)) }
        let stated = try reader.u64(at: UInt64(Field.checksum))
        let computed = Self.checksum(of: reader.bytes)
        guard stated == computed else { throw .wrongChecksum(stated: stated, computed: computed) }

        tensorCount = try reader.u32(at: UInt64(Field.tensorCount))
        opCount = try reader.u32(at: UInt64(Field.opCount))
        inputTensor = try reader.u32(at: UInt64(Field.inputTensor))
        outputTensor = try reader.u32(at: UInt64(Field.outputTensor))
        arenaBytes = try reader.u64(at: UInt64(Field.arenaBytes))
        labelCount = try reader.u32(at: UInt64(Field.labelCount))
        temperature = try reader.f32(at: UInt64(Field.temperature))
        rejectionThreshold = try reader.f32(at: UInt64(Field.rejectionThreshold))
        guard tensorCount <= ModelLayout.Limit.tensors else { throw .limitExceeded(offset: UInt64(Field.tensorCount)) }
        guard tensorCount >= 2 else { throw .outOfRange(offset: UInt64(Field.tensorCount)) }
        guard opCount <= ModelLayout.Limit.ops else { throw .limitExceeded(offset: UInt64(Field.opCount)) }
        guard opCount >= 1 else { throw .outOfRange(offset: UInt64(Field.opCount)) }
        guard inputTensor < tensorCount else { throw .outOfRange(offset: UInt64(Field.inputTensor)) }
        guard outputTensor < tensorCount, outputTensor != inputTensor else {
            throw .outOfRange(offset: UInt64(Field.outputTensor))
        }
        guard arenaBytes <= ModelLayout.Limit.arenaBytes else { throw .limitExceeded(offset: UInt64(Field.arenaBytes)) }
        guard labelCount <= ModelLayout.Limit.labels else { throw .limitExceeded(offset: UInt64(Field.labelCount)) }
        guard temperature > 0, temperature.isFinite else { throw .outOfRange(offset: UInt64(Field.temperature)) }
        guard rejectionThreshold >= 0, rejectionThreshold <= 1 else {
            throw .outOfRange(offset: UInt64(Field.rejectionThreshold))
        }
        try reader.requireZero(from: 68, to: UInt64(Field.resizeMode))
        preprocessing = try Self.preprocessing(reader)
        sections = try Self.sections(reader)
        try reader.requireZero(
            from: UInt64(Field.sections + 16 * ModelLayout.Section.count), to: UInt64(Field.bytes))
    }

    /// XXH64 of the whole file with the checksum's own eight bytes taken as zero.
    static func checksum(of bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = XXH64()
        hash.update(UnsafeRawBufferPointer(rebasing: bytes[..<Field.checksum]))
        var zero: UInt64 = 0
        withUnsafeBytes(of: &zero) { hash.update($0) }
        hash.update(UnsafeRawBufferPointer(rebasing: bytes[(Field.checksum + 8)...]))
        return hash.digest()
    }

    private static func preprocessing(_ reader: ByteReader) throws(ModelError) -> Preprocessing {
        guard let mode = ResizeMode(rawValue: try reader.u8(at: UInt64(Field.resizeMode))) else {
            throw .outOfRange(offset: UInt64(Field.resizeMode))
        }
        guard let filter = ResizeFilter(rawValue: try reader.u8(at: UInt64(Field.filter))) else {
            throw .outOfRange(offset: UInt64(Field.filter))
        }
        let scaling = try reader.u8(at: UInt64(Field.decodeScaling))
        guard scaling <= 1 else { throw .outOfRange(offset: UInt64(Field.decodeScaling)) }
        try reader.requireZero(from: UInt64(Field.decodeScaling + 1), to: UInt64(Field.resizeWidth))
        let resizeWidth = try side(reader, at: Field.resizeWidth)
        let resizeHeight = try side(reader, at: Field.resizeHeight)
        let cropWidth = try side(reader, at: Field.cropWidth)
        let cropHeight = try side(reader, at: Field.cropHeight)
        try reader.requireZero(from: UInt64(Field.cropHeight + 4), to: UInt64(Field.sections))
        let preprocessing = Preprocessing(
            resizeMode: mode, filter: filter, decodeScaling: scaling == 1, resizeWidth: resizeWidth,
            resizeHeight: resizeHeight, cropWidth: cropWidth, cropHeight: cropHeight)
        do {
            try preprocessing.validate()
        } catch {
            switch error {
            case .sourceSize, .resizeSize: throw .outOfRange(offset: UInt64(Field.resizeWidth))
            case .shortSideDiffers: throw .outOfRange(offset: UInt64(Field.resizeHeight))
            // outOfMemory: not from validate(), which allocates nothing.
            case .cropSize, .outputPixels, .outOfMemory: throw .outOfRange(offset: UInt64(Field.cropWidth))
            }
        }
        return preprocessing
    }

    private static func side(_ reader: ByteReader, at offset: Int) throws(ModelError) -> Int {
        let side = try reader.u32(at: UInt64(offset))
        guard side > 0 else { throw .outOfRange(offset: UInt64(offset)) }
        guard side <= ModelLayout.Limit.side else { throw .limitExceeded(offset: UInt64(offset)) }
        return Int(side)
    }

    /// Sections follow each other in order, each at the next multiple of 64 after its predecessor; the bytes between are zero, and the
    /// last one ends with the file.
    private static func sections(_ reader: ByteReader) throws(ModelError) -> InlineArray<5, Range<UInt64>> {
        let alignment = UInt64(ModelLayout.alignment)
        var sections = InlineArray<5, Range<UInt64>>(repeating: 0..<0)
        var end = UInt64(Field.bytes)
        for index in 0..<ModelLayout.Section.count {
            let offset = try reader.u64(at: UInt64(Field.sections + 16 * index))
            let bytes = try reader.u64(at: UInt64(Field.sections + 16 * index + 8))
            let start = (end + alignment - 1) / alignment * alignment
            guard offset == start, start <= reader.count, bytes <= reader.count - start else {
                throw .sectionMisplaced(section: index)
            }
            try reader.requireZero(from: end, to: start)
            sections[index] = start..<(start + bytes)
            end = start + bytes
        }
        guard end == reader.count else { throw .sectionMisplaced(section: ModelLayout.Section.count - 1) }
        return sections
    }
}
