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

    private static func problem(_ bytes: UnsafeRawBufferPointer) -> LabelProblem? {
        var index = 0
        while index < bytes.count {
            guard let length = UTF8Sequence.length(bytes, at: index) else { return .notUTF8 }
            if UTF8Sequence.isControl(bytes, at: index) { return .controlCharacter }
            index += length
        }
        return nil
    }
}
