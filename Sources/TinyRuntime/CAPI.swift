// CAPI: tinyrt.h in Swift. Each function checks its pointers, calls the Swift API and turns what it throws into a status. A handle is a
// retained object: the C caller owns one reference until it closes the handle.

import CTinyKernels

/// The version of the library and of the commands, as CHANGELOG.md counts it.
public enum TinyRuntimeVersion {
    public static let text: StaticString = "0.1.0"
}

@c @implementation
public func tinyrt_version() -> UnsafePointer<CChar>? { TinyRuntimeVersion.text.cText }

@c @implementation
public func tinyrt_instruction_set(_ index: Int) -> UnsafePointer<CChar>? {
    var place = 0
    for instructionSet in InstructionSet.allCases.reversed() where instructionSet.isAvailable {
        if place == index { return instructionSet.name.cText }
        place += 1
    }
    return nil
}

@c @implementation
public func tinyrt_status_text(_ status: tinyrt_status) -> UnsafePointer<CChar>? { statusText(status).cText }

@c @implementation
public func tinyrt_open(
    _ bytes: UnsafeRawPointer?, _ count: Int, _ model: UnsafeMutablePointer<OpaquePointer?>?,
    _ error: UnsafeMutablePointer<tinyrt_error>?
) -> tinyrt_status {
    guard let bytes, count >= 0 else { return report(TINYRT_INVALID_ARGUMENT, error, clearing: model) }
    return open(UnsafeRawBufferPointer(start: bytes, count: count), model, error) { (bytes) throws(ModelError) in
        try Model(mapping: bytes) {}
    }
}

@c @implementation
public func tinyrt_open_copy(
    _ bytes: UnsafeRawPointer?, _ count: Int, _ model: UnsafeMutablePointer<OpaquePointer?>?,
    _ error: UnsafeMutablePointer<tinyrt_error>?
) -> tinyrt_status {
    guard let bytes, count >= 0 else { return report(TINYRT_INVALID_ARGUMENT, error, clearing: model) }
    return open(UnsafeRawBufferPointer(start: bytes, count: count), model, error) { (bytes) throws(ModelError) in
        try Model(copying: bytes)
    }
}

@c @implementation
public func tinyrt_open_file(
    _ path: UnsafePointer<CChar>?, _ model: UnsafeMutablePointer<OpaquePointer?>?,
    _ error: UnsafeMutablePointer<tinyrt_error>?
) -> tinyrt_status {
    model?.pointee = nil
    guard let path, model != nil else { return report(TINYRT_INVALID_ARGUMENT, error) }
    var bytes: UnsafeRawPointer?
    var count = 0
    let problem = tk_map_file(path, Int(ModelLayout.Limit.fileBytes), &bytes, &count)
    guard problem == 0 else { return report(mapping: problem, error) }
    let (address, mapped) = (UInt(bitPattern: bytes), count)
    let mapping = UnsafeRawBufferPointer(start: bytes, count: count)
    let status = open(mapping, model, error) { (bytes) throws(ModelError) in
        try Model(mapping: bytes) { tk_unmap_file(UnsafeRawPointer(bitPattern: address), mapped) }
    }
    if status != TINYRT_OK { tk_unmap_file(bytes, count) }
    return status
}

@c @implementation
public func tinyrt_close(_ model: OpaquePointer?) { release(model, Model.self) }

@c @implementation
public func tinyrt_get_info(_ model: OpaquePointer?, _ info: UnsafeMutablePointer<tinyrt_info>?) -> tinyrt_status {
    guard let model, let info else { return TINYRT_INVALID_ARGUMENT }
    let edge = object(model, Model.self).edge
    info.pointee = tinyrt_info(
        format_version: UInt32(edge.version), input_width: UInt32(edge.inputWidth),
        input_height: UInt32(edge.inputHeight),
        class_count: UInt32(edge.classCount), label_count: UInt32(edge.labelCount), op_count: UInt32(edge.ops.count),
        file_bytes: UInt64(edge.fileBytes.count), checksum: edge.checksum, temperature: edge.temperature,
        rejection_threshold: edge.rejectionThreshold, decode_scaling: edge.preprocessing.decodeScaling,
        resize_width: UInt32(edge.preprocessing.resizeWidth), resize_height: UInt32(edge.preprocessing.resizeHeight))
    return TINYRT_OK
}

@c @implementation
public func tinyrt_label(
    _ model: OpaquePointer?, _ index: Int, _ length: UnsafeMutablePointer<Int>?
) -> UnsafePointer<CChar>? {
    length?.pointee = 0
    guard let model else { return nil }
    let edge = object(model, Model.self).edge
    guard index >= 0, index < edge.labelCount else { return nil }
    let label = edge.label(index)
    length?.pointee = label.count
    return label.baseAddress.map { UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self) }
}

@c @implementation
public func tinyrt_arena_bytes(
    _ model: OpaquePointer?, _ options: UnsafePointer<tinyrt_options>?, _ bytes: UnsafeMutablePointer<Int>?,
    _ error: UnsafeMutablePointer<tinyrt_error>?
) -> tinyrt_status {
    guard let model, let bytes else { return report(TINYRT_INVALID_ARGUMENT, error) }
    do {
        let choice = try SessionChoice(options)
        bytes.pointee = try Session.arenaBytes(
            for: object(model, Model.self), instructionSet: choice.instructionSet, threads: choice.threads)
        return report(TINYRT_OK, error)
    } catch let failure { return report(failure, error) }
}

@c @implementation
public func tinyrt_session_open(
    _ model: OpaquePointer?, _ options: UnsafePointer<tinyrt_options>?, _ arena: UnsafeMutableRawPointer?,
    _ arenaBytes: Int,
    _ session: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<tinyrt_error>?
) -> tinyrt_status {
    guard let model, let session, arenaBytes >= 0 else { return report(TINYRT_INVALID_ARGUMENT, error) }
    session.pointee = nil
    let memory = arena.map { UnsafeMutableRawBufferPointer(start: $0, count: arenaBytes) }
    do {
        let choice = try SessionChoice(options)
        session.pointee = retained(
            try Session(
                model: object(model, Model.self), instructionSet: choice.instructionSet, threads: choice.threads,
                arena: memory))
        return report(TINYRT_OK, error)
    } catch let failure { return report(failure, error) }
}

@c @implementation
public func tinyrt_session_close(_ session: OpaquePointer?) { release(session, Session.self) }

@c @implementation
public func tinyrt_session_model(_ session: OpaquePointer?) -> OpaquePointer? {
    session.map { OpaquePointer(Unmanaged.passUnretained(object($0, Session.self).model).toOpaque()) }
}

@c @implementation
public func tinyrt_preprocess(
    _ session: OpaquePointer?, _ image: UnsafePointer<tinyrt_image>?, _ error: UnsafeMutablePointer<tinyrt_error>?
) -> tinyrt_status {
    guard session != nil, let image = image?.pointee, image.planes.0 != nil else {
        return report(TINYRT_INVALID_ARGUMENT, error)
    }
    guard let frame = CameraFrame(image), frame.isSound else { return report(TINYRT_BAD_IMAGE, error) }
    do {
        let rows = try CameraRows(frame)
        let context = Unmanaged.passUnretained(rows).toOpaque()
        let status = preprocess(
            session, ImageRows(context: context, CameraRows.function), frame.width, frame.height, orientation: 1, error)
        withExtendedLifetime(rows) {}
        return status
    } catch _ { return report(TINYRT_OUT_OF_MEMORY, error) }
}

@c @implementation
public func tinyrt_preprocess_rows(
    _ session: OpaquePointer?, _ rows: UnsafePointer<tinyrt_rows>?, _ error: UnsafeMutablePointer<tinyrt_error>?
) -> tinyrt_status {
    guard session != nil, let rows = rows?.pointee, let function = rows.row, (1...8).contains(rows.orientation) else {
        return report(TINYRT_INVALID_ARGUMENT, error)
    }
    return preprocess(
        session, ImageRows(context: rows.context, function), Int(rows.width), Int(rows.height),
        orientation: Int(rows.orientation), error)
}

@inline(never)
private func preprocess(
    _ session: OpaquePointer?, _ rows: ImageRows, _ width: Int, _ height: Int, orientation: Int,
    _ error: UnsafeMutablePointer<tinyrt_error>?
) -> tinyrt_status {
    guard let session else { return report(TINYRT_INVALID_ARGUMENT, error) }
    let target = object(session, Session.self)
    guard let input = target.input.baseAddress else { return report(TINYRT_INVALID_ARGUMENT, error) }
    do {
        let preprocessor = try ImagePreprocessor(
            target.model.edge.preprocessing, sourceWidth: width, sourceHeight: height, orientation: orientation)
        return report(preprocessor.run(rows: rows, output: input) ? TINYRT_OK : TINYRT_BAD_IMAGE, error)
    } catch let failure {
        return report(failure == .outOfMemory ? TINYRT_OUT_OF_MEMORY : TINYRT_BAD_IMAGE, error)
    }
}

@c @implementation
public func tinyrt_classify(
    _ session: OpaquePointer?, _ image: UnsafePointer<tinyrt_image>?,
    _ predictions: UnsafeMutablePointer<tinyrt_prediction>?, _ capacity: Int, _ found: UnsafeMutablePointer<Int>?,
    _ rejected: UnsafeMutablePointer<Bool>?, _ error: UnsafeMutablePointer<tinyrt_error>?
) -> tinyrt_status {
    found?.pointee = 0
    guard predictions != nil else { return report(TINYRT_INVALID_ARGUMENT, error) }
    let preprocessed = tinyrt_preprocess(session, image, error)
    guard preprocessed == TINYRT_OK else { return preprocessed }
    let run = tinyrt_run(session)
    guard run == TINYRT_OK else { return report(run, error) }
    return report(tinyrt_predictions(session, predictions, capacity, found, rejected), error)
}

@c @implementation
public func tinyrt_input(_ session: OpaquePointer?) -> UnsafeMutablePointer<UInt8>? {
    session.flatMap { object($0, Session.self).input.baseAddress }
}

@c @implementation
public func tinyrt_run(_ session: OpaquePointer?) -> tinyrt_status {
    guard let session else { return TINYRT_INVALID_ARGUMENT }
    return object(session, Session.self).run() ? TINYRT_OK : TINYRT_CANCELLED
}

@c @implementation
public func tinyrt_cancel(_ session: OpaquePointer?) {
    if let session { object(session, Session.self).cancellation.cancel() }
}

@c @implementation
public func tinyrt_logits(
    _ session: OpaquePointer?, _ logits: UnsafeMutablePointer<Float>?, _ capacity: Int
) -> tinyrt_status {
    guard let session, let logits else { return TINYRT_INVALID_ARGUMENT }
    let source = object(session, Session.self)
    guard capacity >= source.output.count else { return TINYRT_INVALID_ARGUMENT }
    for index in source.output.indices { logits[index] = source.logit(index) }
    return TINYRT_OK
}

@c @implementation
public func tinyrt_predictions(
    _ session: OpaquePointer?, _ predictions: UnsafeMutablePointer<tinyrt_prediction>?, _ capacity: Int,
    _ found: UnsafeMutablePointer<Int>?, _ rejected: UnsafeMutablePointer<Bool>?
) -> tinyrt_status {
    found?.pointee = 0
    guard let session, let predictions, capacity >= 0 else { return TINYRT_INVALID_ARGUMENT }
    let outcome = object(session, Session.self).classify(top: capacity) { place, prediction in
        predictions[place] = tinyrt_prediction(index: UInt32(prediction.index), probability: prediction.probability)
    }
    found?.pointee = outcome.count
    rejected?.pointee = outcome.rejected
    return TINYRT_OK
}

@c @implementation
public func tinyrt_self_test(_ session: OpaquePointer?, _ error: UnsafeMutablePointer<tinyrt_error>?) -> tinyrt_status {
    guard let session else { return report(TINYRT_INVALID_ARGUMENT, error) }
    do {
        try object(session, Session.self).selfTest()
        return report(TINYRT_OK, error)
    } catch let failure { return report(failure, error) }
}

// MARK: - Handles and errors

private func open(
    _ bytes: UnsafeRawBufferPointer, _ model: UnsafeMutablePointer<OpaquePointer?>?,
    _ error: UnsafeMutablePointer<tinyrt_error>?, _ make: (UnsafeRawBufferPointer) throws(ModelError) -> Model
) -> tinyrt_status {
    guard let model else { return report(TINYRT_INVALID_ARGUMENT, error) }
    model.pointee = nil
    do {
        model.pointee = retained(try make(bytes))
        return report(TINYRT_OK, error)
    } catch let failure { return report(failure, error) }
}

private func retained<Object: AnyObject>(_ object: Object) -> OpaquePointer {
    OpaquePointer(Unmanaged.passRetained(object).toOpaque())
}

private func object<Object: AnyObject>(_ handle: OpaquePointer, _: Object.Type) -> Object {
    Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
}

private func release<Object: AnyObject>(_ handle: OpaquePointer?, _: Object.Type) {
    if let handle { Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).release() }
}

/// tinyrt_options as Swift has it.
private struct SessionChoice {
    var threads = 1
    var instructionSet = InstructionSet.best

    init(_ options: UnsafePointer<tinyrt_options>?) throws(ModelError) {
        guard let options = options?.pointee else { return }
        threads = max(1, Int(clamping: options.threads))
        guard let name = options.instruction_set else { return }
        for candidate in InstructionSet.allCases where candidate.name.isEqual(to: name) {
            instructionSet = candidate
            return
        }
        throw .instructionSetUnavailable
    }
}

extension CameraFrame {
    /// nil: an unknown format or encoding, sides or rows beyond any picture's, or no pixels.
    fileprivate init?(_ image: tinyrt_image) {
        let format: Format
        switch image.format {
        case TINYRT_RGB: format = .rgb
        case TINYRT_GREY: format = .grey
        case TINYRT_NV12: format = .nv12
        case TINYRT_YUYV: format = .yuyv
        default: return nil
        }
        let encoding: Encoding
        switch image.encoding {
        case TINYRT_BT601_LIMITED: encoding = .bt601Limited
        case TINYRT_BT601_FULL: encoding = .bt601Full
        case TINYRT_BT709_LIMITED: encoding = .bt709Limited
        default: return nil
        }
        guard let pixels = image.planes.0, let width = Int(exactly: image.width),
            let height = Int(exactly: image.height)
        else { return nil }
        self.init(
            format: format, encoding: encoding, width: width, height: height, pixels: pixels,
            rowBytes: image.row_bytes.0, chroma: image.planes.1, chromaRowBytes: image.row_bytes.1)
    }
}

private func report(
    _ status: tinyrt_status, _ error: UnsafeMutablePointer<tinyrt_error>?,
    clearing handle: UnsafeMutablePointer<OpaquePointer?>? = nil
) -> tinyrt_status {
    handle?.pointee = nil
    error?.pointee = tinyrt_error(
        status: status, reason: statusText(status).cText, offset: -1, op: -1, system_error: 0)
    return status
}

/// What tk_map_file said.
private func report(mapping problem: Int32, _ error: UnsafeMutablePointer<tinyrt_error>?) -> tinyrt_status {
    let status: tinyrt_status
    var reason: StaticString?
    if problem == Int32(tk_map_not_a_file) {
        (status, reason) = (TINYRT_BAD_MODEL, "not a regular file")
    } else if problem == Int32(tk_map_too_large) {
        (status, reason) = (TINYRT_BAD_MODEL, "larger than a model may be")
    } else if tk_is_missing(problem) != 0 {
        status = TINYRT_NO_FILE
    } else {
        status = tk_is_out_of_memory(problem) != 0 ? TINYRT_OUT_OF_MEMORY : TINYRT_IO_ERROR
    }
    error?.pointee = tinyrt_error(
        status: status, reason: (reason ?? statusText(status)).cText, offset: -1, op: -1, system_error: max(0, problem))
    return status
}

private func report(_ failure: ModelError, _ error: UnsafeMutablePointer<tinyrt_error>?) -> tinyrt_status {
    let status =
        switch failure {
        case .unsupportedVersion, .unsupportedFlags: TINYRT_UNSUPPORTED_MODEL
        case .misalignedBytes: TINYRT_INVALID_ARGUMENT
        case .instructionSetUnavailable, .noThreads: TINYRT_UNAVAILABLE
        case .threadCount: TINYRT_INVALID_ARGUMENT
        case .outOfMemory: TINYRT_OUT_OF_MEMORY
        case .arenaTooSmall, .arenaMisaligned: TINYRT_BAD_ARENA
        case .selfTestFailed, .selfTestOutputDiffers: TINYRT_SELF_TEST_FAILED
        default: TINYRT_BAD_MODEL
        }
    error?.pointee = tinyrt_error(
        status: status, reason: failure.reason.cText, offset: failure.fileOffset.map { Int64($0) } ?? -1,
        op: failure.opIndex.map { Int32($0) } ?? -1, system_error: 0)
    return status
}

private func statusText(_ status: tinyrt_status) -> StaticString {
    switch status {
    case TINYRT_OK: "done"
    case TINYRT_INVALID_ARGUMENT: "an argument is missing, misaligned or out of range"
    case TINYRT_BAD_MODEL: "not a .tiny model, or a damaged one"
    case TINYRT_UNSUPPORTED_MODEL: "the model was made for another version of the format"
    case TINYRT_BAD_ARENA: "the arena is too small or does not start at a multiple of 64"
    case TINYRT_BAD_IMAGE: "the image's sizes, rows or kind are not those of an image"
    case TINYRT_SELF_TEST_FAILED: "self-test failed: this device does not compute what the model expects"
    case TINYRT_UNAVAILABLE: "the processor lacks the instruction set, or the system gives no more threads"
    case TINYRT_CANCELLED: "cancelled"
    case TINYRT_NO_FILE: "there is no such file"
    case TINYRT_IO_ERROR: "the file cannot be read"
    case TINYRT_OUT_OF_MEMORY: "not enough memory"
    default: "unknown status"
    }
}

extension StaticString {
    fileprivate func isEqual(to text: UnsafePointer<CChar>) -> Bool {
        for index in 0..<utf8CodeUnitCount where text[index] != CChar(bitPattern: utf8Start[index]) { return false }
        return text[utf8CodeUnitCount] == 0
    }

    /// Static strings end with a zero byte.
    fileprivate var cText: UnsafePointer<CChar> { UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self) }
}
