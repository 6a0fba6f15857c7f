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
        argument.after(text)?.pointer[0] == 0
    }

    /// What follows `prefix`, where the word is `prefix` alone or goes on with `=`.
    func after(_ prefix: StaticString) -> Argument? {
        let count = prefix.utf8CodeUnitCount
        for index in 0..<count where UInt8(bitPattern: pointer[index]) != prefix.utf8Start[index] { return nil }
        return pointer[count] == 0 || pointer[count] == 0x3D ? Argument(pointer: pointer + count) : nil
    }

    func dropFirst() -> Argument { Argument(pointer: pointer + 1) }

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

    /// A number from 0 to 1 in decimals, such as `0.75`.
    var share: Double? {
        let bytes = bytes
        guard bytes.count <= 16 else { return nil }
        var (digits, divisor) = (0, 0)
        var isEmpty = true
        for byte in bytes {
            if byte == 0x2E, divisor == 0 {
                divisor = 1
                continue
            }
            guard (0x30...0x39).contains(byte) else { return nil }
            digits = 10 * digits + Int(byte - 0x30)
            divisor *= 10
            isEmpty = false
        }
        // Both are below 2⁵³: the quotient is the nearest Double, as a library's parser gives it.
        let share = Double(digits) / Double(max(divisor, 1))
        return !isEmpty && share <= 1 ? share : nil
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
