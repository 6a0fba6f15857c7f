// ByteReader: the only place where the file's bytes become integers and floats. Little-endian, at any alignment, every access within
// bounds. Left out: what the values mean.

struct ByteReader {
    let bytes: UnsafeRawBufferPointer

    var count: UInt64 { UInt64(bytes.count) }

    func u8(at offset: UInt64) throws(ModelError) -> UInt8 {
        UInt8(truncatingIfNeeded: try integer(at: offset, bytes: 1))
    }

    func u16(at offset: UInt64) throws(ModelError) -> UInt16 {
        UInt16(truncatingIfNeeded: try integer(at: offset, bytes: 2))
    }

    func u32(at offset: UInt64) throws(ModelError) -> UInt32 {
        UInt32(truncatingIfNeeded: try integer(at: offset, bytes: 4))
    }

    func u64(at offset: UInt64) throws(ModelError) -> UInt64 {
        try integer(at: offset, bytes: 8)
    }

    func f32(at offset: UInt64) throws(ModelError) -> Float {
        Float(bitPattern: try u32(at: offset))
    }

    /// - Throws: `.reservedNotZero` with the first offset in `from ..< end` that is not zero.
    func requireZero(from: UInt64, to end: UInt64) throws(ModelError) {
        if let offset = try firstNonZero(from: from, to: end) { throw .reservedNotZero(offset: offset) }
    }

    func firstNonZero(from: UInt64, to end: UInt64) throws(ModelError) -> UInt64? {
        guard from <= end, end <= count else { throw .tooShort(bytes: count) }
        for offset in from..<end where bytes[Int(offset)] != 0 { return offset }
        return nil
    }

    private func integer(at offset: UInt64, bytes size: UInt64) throws(ModelError) -> UInt64 {
        guard size <= count, offset <= count - size else { throw .tooShort(bytes: count) }
        var value: UInt64 = 0
        var index = Int(offset) + Int(size)
        for _ in 0..<size {
            index -= 1
            value = value << 8 | UInt64(bytes[index])
        }
        return value
    }
}
