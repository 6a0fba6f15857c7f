// TextBytes: text as UTF-8 bytes in an array, for commands that have no Foundation: numbers, fixed decimals, JSON strings. It is what
// makes `tiny` and `tinyrt` say the same. Not for hot paths: nothing is inlined, since a command is mostly calls of these.

public struct TextBytes: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    @inline(never)
    public mutating func append(_ text: StaticString) {
        for index in 0..<text.utf8CodeUnitCount { bytes.append(text.utf8Start[index]) }
    }

    @inline(never)
    public mutating func append(_ text: UnsafeBufferPointer<UInt8>) { bytes.append(contentsOf: text) }
    @inline(never)
    public mutating func append(_ other: TextBytes) { bytes.append(contentsOf: other.bytes) }
    @inline(never)
    public mutating func newline() { bytes.append(0x0A) }
    public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    @inline(never)
    public mutating func append(_ number: Int) {
        if number < 0 { bytes.append(0x2D) }
        append(UInt64(number.magnitude))
    }

    @inline(never)
    public mutating func append(_ number: UInt64) {
        var rest = number
        let start = bytes.count
        repeat {
            bytes.append(0x30 + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    /// With leading zeros, in lower case.
    @inline(never)
    public mutating func append(hexadecimal number: UInt64, digits: Int) {
        for digit in stride(from: digits - 1, through: 0, by: -1) {
            let value = UInt8(truncatingIfNeeded: number >> UInt64(4 * digit) & 15)
            bytes.append(value < 10 ? 0x30 + value : 0x57 + value)
        }
    }

    /// `value` ≥ 0 and below 2⁴⁰ with `decimals` (at most 6) digits after the point, half rounded up; blanks in front up to `width`.
    @inline(never)
    public mutating func append(_ value: Double, decimals: Int, width: Int = 0) {
        var scale: UInt64 = 1
        for _ in 0..<decimals { scale *= 10 }
        let scaled = value > 0 ? UInt64(min(value, 0x1p40) * Double(scale) + 0.5) : 0
        var digits = TextBytes()
        digits.append(scaled / scale)
        if decimals > 0 {
            digits.append(".")
            var fraction = TextBytes()
            fraction.append(scaled % scale)
            for _ in fraction.bytes.count..<decimals { digits.append("0") }
            digits.append(fraction)
        }
        for _ in 0..<max(0, width - digits.bytes.count) { append(" ") }
        append(digits)
    }

    /// In quotes, as RFC 8259 has it; what is not UTF-8 becomes U+FFFD.
    @inline(never)
    public mutating func append(json text: UnsafeBufferPointer<UInt8>) {
        append("\"")
        let raw = UnsafeRawBufferPointer(text)
        var index = 0
        while index < raw.count {
            guard let length = UTF8Sequence.length(raw, at: index) else {
                append("\u{FFFD}")
                index += 1
                continue
            }
            switch raw[index] {
            case 0x22: append("\\\"")
            case 0x5C: append("\\\\")
            case 0x00...0x1F, 0x7F:
                append("\\u")
                append(hexadecimal: UInt64(raw[index]), digits: 4)
            default: bytes.append(contentsOf: raw[index..<index + length])
            }
            index += length
        }
        append("\"")
    }

    /// For a terminal: control characters, which could move its cursor or end a line, and what is not UTF-8 become `?`.
    @inline(never)
    public mutating func append(visible text: UnsafeBufferPointer<UInt8>) {
        let raw = UnsafeRawBufferPointer(text)
        var index = 0
        while index < raw.count {
            let length = UTF8Sequence.length(raw, at: index)
            if let length, !UTF8Sequence.isControl(raw, at: index) {
                bytes.append(contentsOf: raw[index..<index + length])
            } else {
                append("?")
            }
            index += length ?? 1
        }
    }
}
