// UTF8Sequence: where one character's bytes end, as RFC 3629 defines UTF-8: shortest forms only, no surrogates, at most U+10FFFF.

enum UTF8Sequence {
    /// 1…4, or nil where no well-formed sequence starts at `index`.
    static func length(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Int? {
        // How many bytes follow, and the range of the first of them: the rest are 80…BF.
        let following: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch bytes[index] {
        case 0x00...0x7F: return 1
        case 0xC2...0xDF: following = 1
        case 0xE0: (following, second) = (2, 0xA0...0xBF)
        case 0xED: (following, second) = (2, 0x80...0x9F)
        case 0xE1...0xEF: following = 2
        case 0xF0: (following, second) = (3, 0x90...0xBF)
        case 0xF1...0xF3: following = 3
        case 0xF4: (following, second) = (3, 0x80...0x8F)
        default: return nil
        }
        guard bytes.count - index > following, second.contains(bytes[index + 1]) else { return nil }
        for offset in 1..<(following + 1) where bytes[index + offset] & 0xC0 != 0x80 { return nil }
        return following + 1
    }

    /// U+0000…U+001F and U+007F…U+009F; the sequence at `index` is well-formed.
    static func isControl(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Bool {
        bytes[index] < 0x20 || bytes[index] == 0x7F || (bytes[index] == 0xC2 && bytes[index + 1] < 0xA0)
    }
}
