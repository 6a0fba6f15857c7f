// ConstantPool: hands out the constants section's bytes to the ops, each byte once (a look-up table may serve several ops), so that the
// work of checking a file stays proportional to its length whatever its records claim.

struct ConstantPool {
    private let reader: ByteReader
    private let section: Range<UInt64>
    /// Offsets in the file, in the order in which they were taken.
    private var taken: [Range<UInt64>] = []
    private var takenBytes: UInt64 = 0
    private var tables: [UInt64] = []

    init(_ reader: ByteReader, section: Range<UInt64>) {
        self.reader = reader
        self.section = section
    }

    /// - Parameter offset: from the section's start.
    /// - Returns: `bytes` bytes, 64-byte aligned as the file is.
    mutating func take(_ offset: UInt64, bytes: UInt64, for context: OpContext) throws(ModelError) -> UnsafeRawPointer {
        let size = section.upperBound - section.lowerBound
        try context.require(offset % UInt64(ModelLayout.alignment) == 0, .constantMisaligned)
        try context.require(bytes <= size && offset <= size - bytes, .constantOutOfBounds)
        let start = section.lowerBound + offset
        takenBytes += bytes
        guard takenBytes <= size, let base = reader.bytes.baseAddress else { throw .constantsOverlap(offset: start) }
        taken.append(start..<(start + bytes))
        return base + Int(start)
    }

    /// 256 bytes that an earlier op may have taken as its table too.
    mutating func takeTable(_ offset: UInt64, for context: OpContext) throws(ModelError) -> UnsafeRawPointer {
        if tables.contains(offset), let base = reader.bytes.baseAddress {
            return base + Int(section.lowerBound + offset)
        }
        tables.append(offset)
        return try take(offset, bytes: 256, for: context)
    }

    /// No two constants overlap, and what lies between them is zero.
    func requireNoOverlapAndNoGap() throws(ModelError) {
        var end = section.lowerBound
        for range in taken.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            guard range.lowerBound >= end else { throw .constantsOverlap(offset: range.lowerBound) }
            try requireZero(from: end, to: range.lowerBound)
            end = range.upperBound
        }
        try requireZero(from: end, to: section.upperBound)
    }

    private func requireZero(from: UInt64, to end: UInt64) throws(ModelError) {
        if let offset = try reader.firstNonZero(from: from, to: end) { throw .constantGapNotZero(offset: offset) }
    }
}
