// LabelSection: the class names. `labelCount` end offsets, then the names' UTF-8 bytes, one after another. Checked here, because a label
// ends up on a terminal and in JSON: well-formed UTF-8, no control characters.

enum LabelSection {
    /// - Throws: `.sectionOfWrongSize`, or `.label` with the first label that is wrong.
    static func check(_ reader: ByteReader, section: Range<UInt64>, count: Int) throws(ModelError) {
        let tableBytes = 4 * UInt64(count)
        guard UInt64(section.count) >= tableBytes else {
            throw .sectionOfWrongSize(section: ModelLayout.Section.labels.rawValue)
        }
        let textBytes = UInt64(section.count) - tableBytes
        var start: UInt64 = 0
        for index in 0..<count {
            let end = UInt64(try reader.u32(at: section.lowerBound + 4 * UInt64(index)))
            guard end >= start, end <= textBytes else { throw .label(index: index, .endOffset) }
            let text = section.lowerBound + tableBytes
            let bytes = reader.bytes[Int(text + start)..<Int(text + end)]
            if let problem = problem(UnsafeRawBufferPointer(rebasing: bytes)) { throw .label(index: index, problem) }
            start = end
        }
        guard start == textBytes else { throw .label(index: max(0, count - 1), .endOffset) }
    }

    /// UTF-8 as RFC 3629 defines it: shortest forms only, no surrogates, at most U+10FFFF.
    static func problem(_ bytes: UnsafeRawBufferPointer) -> LabelProblem? {
        var index = 0
        while index < bytes.count {
            let lead = bytes[index]
            // How many bytes follow, and the range of the first of them: the rest are 80…BF.
            var following = 0
            var second: ClosedRange<UInt8> = 0x80...0xBF
            switch lead {
            case 0x00...0x1F, 0x7F: return .controlCharacter
            case 0x20...0x7E: break
            case 0xC2...0xDF: following = 1
            case 0xE0: (following, second) = (2, 0xA0...0xBF)
            case 0xED: (following, second) = (2, 0x80...0x9F)
            case 0xE1...0xEF: following = 2
            case 0xF0: (following, second) = (3, 0x90...0xBF)
            case 0xF1...0xF3: following = 3
            case 0xF4: (following, second) = (3, 0x80...0x8F)
            default: return .notUTF8
            }
            guard bytes.count - index > following else { return .notUTF8 }
            if following > 0 {
                guard second.contains(bytes[index + 1]) else { return .notUTF8 }
                for offset in 1..<(following + 1) where bytes[index + offset] & 0xC0 != 0x80 { return .notUTF8 }
                // U+0080…U+009F, the second set of control characters
                if lead == 0xC2 && bytes[index + 1] < 0xA0 { return .controlCharacter }
            }
            index += following + 1
        }
        return nil
    }
}
