// Arguments: the command line as C hands it over: words are bytes, compared with constants, never copied.

struct Argument {
    let pointer: UnsafePointer<CChar>

    var bytes: UnsafeBufferPointer<UInt8> {
        var count = 0
        while pointer[count] != 0 { count += 1 }
        return UnsafeBufferPointer(start: UnsafeRawPointer(pointer).assumingMemoryBound(to: UInt8.self), count: count)
    }

    var isOption: Bool { pointer[0] == 0x2D && pointer[1] != 0 }

    static func == (argument: Argument, text: StaticString) -> Bool {
        let bytes = argument.bytes
        guard bytes.count == text.utf8CodeUnitCount else { return false }
        for index in bytes.indices where bytes[index] != text.utf8Start[index] { return false }
        return true
    }

    /// A decimal number of at most nine digits.
    var number: Int? {
        let bytes = bytes
        guard !bytes.isEmpty, bytes.count <= 9 else { return nil }
        var number = 0
        for byte in bytes {
            guard (0x30...0x39).contains(byte) else { return nil }
            number = 10 * number + Int(byte - 0x30)
        }
        return number
    }
}

/// What remains to be read.
struct Arguments {
    private let words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int
    private var position = 1

    init(_ words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, count: Int) {
        self.words = words
        self.count = count
    }

    mutating func next() -> Argument? {
        guard position < count, let word = words[position] else { return nil }
        position += 1
        return Argument(pointer: word)
    }
}
