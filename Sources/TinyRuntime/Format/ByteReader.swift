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

    /// `size` bytes whose fields need no further check.
    func record(at offset: UInt64, bytes size: Int) throws(ModelError) -> ByteRecord {
        guard let base = bytes.baseAddress, UInt64(size) <= count, offset <= count - UInt64(size) else { throw .tooShort(bytes: count) }
        return ByteRecord(base: base + Int(offset))
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

/// Fields of a record that lies within the file; the offsets are the format's own.
struct ByteRecord {
    fileprivate let base: UnsafeRawPointer

    func u8(_ field: Int) -> UInt8 { base.load(fromByteOffset: field, as: UInt8.self) }
    func u16(_ field: Int) -> UInt16 { UInt16(littleEndian: base.loadUnaligned(fromByteOffset: field, as: UInt16.self)) }
    func u32(_ field: Int) -> UInt32 { UInt32(littleEndian: base.loadUnaligned(fromByteOffset: field, as: UInt32.self)) }
    func u64(_ field: Int) -> UInt64 { UInt64(littleEndian: base.loadUnaligned(fromByteOffset: field, as: UInt64.self)) }
    func f32(_ field: Int) -> Float { Float(bitPattern: u32(field)) }
}
