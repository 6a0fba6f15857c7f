// ModelErrorText: a ModelError as one line, with its numbers. The commands say the same words.

extension TextBytes {
    public mutating func append(_ error: ModelError) {
        append(error.reason)
        switch error {
        case .tooShort(let count):
            append(" (")
            append(count)
            append(" bytes)")
        case .unsupportedVersion(let version):
            append(" (")
            append(UInt64(version))
            append("; this reads ")
            append(UInt64(ModelLayout.version))
            append(")")
        case .unsupportedFlags(let flags):
            append(" (flags 0x")
            append(hexadecimal: UInt64(flags), digits: 8)
            append(")")
        case .wrongLength(let stated, let actual):
            append(" (")
            append(actual)
            append(" bytes, not ")
            append(stated)
            append(")")
        case .sectionMisplaced(let section), .sectionOfWrongSize(let section): append(place: "section", section)
        case .tensor(let index, _): append(place: "tensor", index)
        case .op(let index, _), .selfTestFailed(let index): append(place: "op", index)
        case .label(let index, _): append(place: "label", index)
        case .selfTestOutputDiffers(let channel): append(place: "channel", channel)
        case .arenaTooSmall(let needed, let given):
            append(" (")
            append(given)
            append(" bytes, ")
            append(needed)
            append(" needed)")
        case .threadCount(let count):
            append(" (not ")
            append(count)
            append(")")
        case .outOfMemory(let bytes):
            append(" (")
            append(bytes)
            append(" bytes wanted)")
        case .reservedNotZero, .outOfRange, .limitExceeded, .constantGapNotZero, .constantsOverlap:
            append(" (at byte ")
            append(error.fileOffset ?? 0)
            append(")")
        case .notATinyModel, .wrongChecksum, .misalignedBytes, .instructionSetUnavailable, .noThreads, .arenaMisaligned: break
        }
    }

    private mutating func append(place: StaticString, _ index: Int) {
        append(" (")
        append(place)
        append(" ")
        append(index)
        append(")")
    }
}

#if !hasFeature(Embedded)
    extension ModelError: CustomStringConvertible {
        public var description: String {
            var text = TextBytes()
            text.append(self)
            return String(decoding: text.bytes, as: UTF8.self)
        }
    }
#endif
