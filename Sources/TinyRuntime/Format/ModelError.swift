// ModelError: why a model file, an arena or a self-test was refused, with the place. No strings are built here: `reason` is a constant, and
// `offset`, `op` and the like are numbers, so that the same type serves a microcontroller and a command line.

public enum ModelError: Error, Equatable, Sendable {
    // The file as a whole.
    /// Fewer bytes than a header.
    case tooShort(bytes: UInt64)
    /// The first eight bytes are not the magic: another format, or a transfer that rewrote line ends.
    case notATinyModel
    case unsupportedVersion(UInt32)
    case unsupportedFlags(UInt32)
    /// The header says `stated` bytes, the file has `actual`: cut off, or something was appended.
    case wrongLength(stated: UInt64, actual: UInt64)
    case wrongChecksum(stated: UInt64, computed: UInt64)
    /// The bytes that were given do not start at a multiple of 64 (`Model.init(mapping:release:)`).
    case misalignedBytes

    // A field, by its offset in the file.
    case reservedNotZero(offset: UInt64)
    case outOfRange(offset: UInt64)
    case limitExceeded(offset: UInt64)
    case sectionMisplaced(section: Int)
    case sectionOfWrongSize(section: Int)

    // A record, by its index.
    case tensor(index: Int, TensorProblem)
    case op(index: Int, OpProblem)
    case label(index: Int, LabelProblem)
    /// A byte of the constants that belongs to no op's constant is not zero.
    case constantGapNotZero(offset: UInt64)
    /// Two constants (offsets in the file) share bytes.
    case constantsOverlap(offset: UInt64)

    // A session.
    case instructionSetUnavailable
    /// Not in `Session.threadCounts`.
    case threadCount(Int)
    /// The system gave no thread.
    case noThreads
    /// The system refused a block of this size.
    case outOfMemory(bytes: Int)
    case arenaTooSmall(needed: Int, given: Int)
    /// The arena does not start at a multiple of 64.
    case arenaMisaligned
    /// An op's bytes differ from those that the file says it gives.
    case selfTestFailed(op: Int)
    /// Every op agreed, but not the stored output: the file contradicts itself.
    case selfTestOutputDiffers(channel: Int)
}

public enum TensorProblem: UInt8, Equatable, Sendable {
    case emptyOrTooLarge
    case scale
    case misaligned
    case outsideArena
    /// No op writes it and it is not the input.
    case neverWritten
    /// Called interior and not inside a block, inside one and not called so, or interior with a place.
    case interior
    /// It has a pixelStride and does not stand where the one concat that reads it would put it.
    case pixelStride
    /// The input tensor is not the crop's size with three channels.
    case inputNotAsPreprocessed
    /// The output tensor is not 1×1×C.
    case outputNotAVector
}

public enum OpProblem: UInt8, Equatable, Sendable {
    case unknownCode
    case inputCount
    case tensorIndex
    case inputNotWrittenBefore
    case outputWrittenTwice
    /// The output lies over a tensor that is still needed.
    case outputOverlapsLiveTensor
    case unusedFieldNotZero
    case shapesDisagree
    case window
    case clamp
    case scale
    /// An op that copies values needs one scale and zero point for its inputs and its output.
    case quantizationDiffers
    case constantMisaligned
    case constantOutOfBounds
    case constantOfWrongSize
    /// Weights are −127…127.
    case weightOutOfRange
    /// A byte that only fills a block up to 16 channels or 4 values is not zero.
    case packingNotZero
    case multiplier
    /// |bias| + 255·Σ|w| does not fit 31 bits.
    case accumulatorOverflow
    case tooMuchWork
    /// Its blockLength, or the ops that follow, are not those of a block.
    case block
    /// It cannot write into the output of a concat pixel by pixel.
    case outputInsideConcat
}

public enum LabelProblem: UInt8, Equatable, Sendable {
    case endOffset
    case notUTF8
    case controlCharacter
}

extension ModelError {
    /// What is wrong, in a few words of English.
    public var reason: StaticString {
        switch self {
        case .tooShort: "shorter than a model's header"
        case .notATinyModel: "not a .tiny model"
        case .unsupportedVersion: "made for another version of the format: convert the network again"
        case .unsupportedFlags: "uses features that this version does not know"
        case .wrongLength: "not as long as its header says; cut off, or something was appended"
        case .wrongChecksum: "damaged: the checksum does not match"
        case .misalignedBytes: "the model's bytes do not start at a multiple of 64"
        case .reservedNotZero: "a reserved byte is not zero"
        case .outOfRange: "a field holds a value that is not allowed"
        case .limitExceeded: "a field is beyond the format's limits"
        case .sectionMisplaced: "a section overlaps another, leaves a gap, is misaligned or ends outside the file"
        case .sectionOfWrongSize: "a section's size does not fit its content"
        case .tensor(_, let problem): problem.reason
        case .op(_, let problem): problem.reason
        case .label(_, let problem): problem.reason
        case .constantGapNotZero: "a byte between constants is not zero"
        case .constantsOverlap: "two constants overlap"
        case .threadCount: "a session runs on 1 to 64 threads"
        case .noThreads: "the system gives no more threads"
        case .outOfMemory: "not enough memory"
        case .instructionSetUnavailable: "this processor or this build lacks the instruction set"
        case .arenaTooSmall: "the arena is too small"
        case .arenaMisaligned: "the arena does not start at a multiple of 64"
        case .selfTestFailed: "self-test failed: an op does not give the bytes that the model expects"
        case .selfTestOutputDiffers: "self-test failed: the output differs from the stored one"
        }
    }

    /// The op that is at fault.
    public var opIndex: Int? {
        switch self {
        case .op(let index, _), .selfTestFailed(let index): index
        default: nil
        }
    }

    /// The byte in the file that is at fault.
    public var fileOffset: UInt64? {
        switch self {
        case .reservedNotZero(let offset), .outOfRange(let offset), .limitExceeded(let offset),
            .constantGapNotZero(let offset),
            .constantsOverlap(let offset):
            offset
        default: nil
        }
    }
}

extension TensorProblem {
    public var reason: StaticString {
        switch self {
        case .emptyOrTooLarge: "a tensor's size is zero or beyond the format's limits"
        case .scale: "a tensor's scale is not a positive number"
        case .misaligned: "a tensor does not start at a multiple of 64"
        case .outsideArena: "a tensor ends outside the arena"
        case .neverWritten: "no op writes a tensor"
        case .interior: "a tensor is inside a block and has a place in the arena, or neither"
        case .pixelStride: "a tensor does not stand in its place in a concat's output"
        case .inputNotAsPreprocessed: "the input tensor is not the size that the preprocessing gives"
        case .outputNotAVector: "the output tensor is not 1×1×C"
        }
    }
}

extension OpProblem {
    public var reason: StaticString {
        switch self {
        case .unknownCode: "unknown op"
        case .inputCount: "an op has a wrong number of inputs"
        case .tensorIndex: "an op names a tensor that does not exist"
        case .inputNotWrittenBefore: "an op reads a tensor that no earlier op wrote"
        case .outputWrittenTwice: "two ops write one tensor"
        case .outputOverlapsLiveTensor: "an op's output lies over a tensor that is still needed"
        case .unusedFieldNotZero: "a field that the op does not use is not zero"
        case .shapesDisagree: "an op's tensors do not fit each other"
        case .window: "an op's kernel, stride or padding is not allowed"
        case .clamp: "an op's output range is empty"
        case .scale: "an op's scale is negative, not a number or too large"
        case .quantizationDiffers: "an op that copies values has different scales or zero points"
        case .constantMisaligned: "a constant does not start at a multiple of 64"
        case .constantOutOfBounds: "a constant ends outside its section"
        case .constantOfWrongSize: "an op's weights are not as many as its shape needs"
        case .weightOutOfRange: "a weight is -128"
        case .packingNotZero: "a byte that fills up a block of weights is not zero"
        case .multiplier: "a multiplier is negative, not a number or too large for its sums"
        case .accumulatorOverflow: "an op's sums could overflow 32 bits"
        case .tooMuchWork: "the network's multiplications are beyond the format's limit"
        case .block: "a block of ops has a form that is not allowed"
        case .outputInsideConcat: "an op cannot write into a concat's output"
        }
    }
}

extension LabelProblem {
    public var reason: StaticString {
        switch self {
        case .endOffset: "a label's end is before its start, or the labels do not fill their section"
        case .notUTF8: "a label is not UTF-8"
        case .controlCharacter: "a label contains a control character"
        }
    }
}
