// JSONText: a JSON value written field by field, for commands that have no Foundation. Left out: reading; indentation.

public struct JSONText: Sendable {
    public private(set) var text = TextBytes()

    public init() {}

    @inline(never)
    public mutating func openObject(_ name: StaticString? = nil) { open(name, "{") }
    @inline(never)
    public mutating func closeObject() { text.append("}") }
    @inline(never)
    public mutating func openArray(_ name: StaticString? = nil) { open(name, "[") }
    @inline(never)
    public mutating func closeArray() { text.append("]") }
    @inline(never)
    public mutating func newline() { text.newline() }

    @inline(never)
    public mutating func field(_ name: StaticString, _ number: Int) {
        begin(name)
        text.append(number)
    }

    @inline(never)
    public mutating func field(_ name: StaticString, _ number: UInt64) {
        begin(name)
        text.append(number)
    }

    /// - Parameter number: at least 0 and below 2⁴⁰; nil: `null`.
    @inline(never)
    public mutating func field(_ name: StaticString, _ number: Double?, decimals: Int) {
        begin(name)
        if let number { text.append(number, decimals: decimals) } else { text.append("null") }
    }

    @inline(never)
    public mutating func field(_ name: StaticString, _ value: Bool) {
        begin(name)
        text.append(value ? "true" : "false")
    }

    /// - Parameter string: what is not UTF-8 in it becomes U+FFFD.
    @inline(never)
    public mutating func field(_ name: StaticString, _ string: UnsafeBufferPointer<UInt8>) {
        begin(name)
        text.append(json: string)
    }

    @inline(never)
    public mutating func field(_ name: StaticString, _ string: StaticString) {
        field(name, UnsafeBufferPointer(start: string.utf8Start, count: string.utf8CodeUnitCount))
    }

    @inline(never)
    public mutating func field(_ name: StaticString, _ string: TextBytes) {
        begin(name)
        string.bytes.withUnsafeBufferPointer { text.append(json: $0) }
    }

    @inline(never)
    public mutating func field(_ name: StaticString, hexadecimal number: UInt64, digits: Int) {
        begin(name)
        text.append("\"")
        text.append(hexadecimal: number, digits: digits)
        text.append("\"")
    }

    @inline(never)
    public mutating func null(_ name: StaticString) {
        begin(name)
        text.append("null")
    }

    /// An array's element.
    @inline(never)
    public mutating func element(_ number: Int) {
        separate()
        text.append(number)
    }

    @inline(never)
    private mutating func open(_ name: StaticString?, _ bracket: StaticString) {
        if let name { begin(name) } else { separate() }
        text.append(bracket)
    }

    /// - Parameter name: needs no escapes.
    @inline(never)
    private mutating func begin(_ name: StaticString) {
        separate()
        text.append("\"")
        text.append(name)
        text.append("\":")
    }

    /// A value never ends in an opening bracket, nor in a line's end: only what follows a value follows a comma.
    @inline(never)
    private mutating func separate() {
        guard let last = text.bytes.last, last != 0x7B, last != 0x5B, last != 0x0A else { return }
        text.append(",")
    }
}
