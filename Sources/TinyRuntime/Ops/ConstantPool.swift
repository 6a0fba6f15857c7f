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
    mutating func requireNoOverlapAndNoGap() throws(ModelError) {
        sortTaken()
        var end = section.lowerBound
        for range in taken {
            guard range.lowerBound >= end else { throw .constantsOverlap(offset: range.lowerBound) }
            try requireZero(from: end, to: range.lowerBound)
            end = range.upperBound
        }
        try requireZero(from: end, to: section.upperBound)
    }

    /// By where they start: a heap sort (Williams, 1964), n·log n whatever the file says. The standard library's sort, made for this one
    /// use, is five times the code, and devices have little room.
    private mutating func sortTaken() {
        taken.withUnsafeMutableBufferPointer { ranges in
            var root = ranges.count / 2
            var count = ranges.count
            while count > 1 {
                if root > 0 {
                    root -= 1
                } else {
                    count -= 1
                    ranges.swapAt(0, count)
                }
                // The heap's range at `root` sinks below the larger ones.
                var parent = root
                while 2 * parent + 1 < count {
                    var child = 2 * parent + 1
                    if child + 1 < count && ranges[child].lowerBound < ranges[child + 1].lowerBound { child += 1 }
                    if ranges[parent].lowerBound >= ranges[child].lowerBound { break }
                    ranges.swapAt(parent, child)
                    parent = child
                }
            }
        }
    }

    private func requireZero(from: UInt64, to end: UInt64) throws(ModelError) {
        if let offset = try reader.firstNonZero(from: from, to: end) { throw .constantGapNotZero(offset: offset) }
    }
}
