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
public func tinyrt_instruction_set() -> UnsafePointer<CChar>? { InstructionSet.best.name.cText }

@c @implementation
public func tinyrt_status_text(_ status: tinyrt_status) -> UnsafePointer<CChar>? { statusText(status).cText }

@c @implementation
public func tinyrt_open(
    _ bytes: UnsafeRawPointer?, _ count: Int, _ model: UnsafeMutablePointer<OpaquePointer?>?,
    _ error: UnsafeMutablePointer<tinyrt_error>?
) -> tinyrt_status {
    open(bytes, count, model, error) { (bytes) throws(ModelError) in try Model(mapping: bytes) {} }
}

@c @implementation
public func tinyrt_open_copy(
    _ bytes: UnsafeRawPointer?, _ count: Int, _ model: UnsafeMutablePointer<OpaquePointer?>?,
    _ error: UnsafeMutablePointer<tinyrt_error>?
) -> tinyrt_status {
    open(bytes, count, model, error) { (bytes) throws(ModelError) in try Model(copying: bytes) }
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
    _ model: OpaquePointer?, _ bytes: UnsafeMutablePointer<Int>?, _ error: UnsafeMutablePointer<tinyrt_error>?
) -> tinyrt_status {
    guard let model, let bytes else { return report(TINYRT_INVALID_ARGUMENT, error) }
    do {
        bytes.pointee = try Session.arenaBytes(for: object(model, Model.self))
        return report(TINYRT_OK, error)
    } catch let failure { return report(failure, error) }
}

@c @implementation
public func tinyrt_session_open(
    _ model: OpaquePointer?, _ arena: UnsafeMutableRawPointer?, _ arenaBytes: Int,
    _ session: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<tinyrt_error>?
) -> tinyrt_status {
    guard let model, let session, arenaBytes >= 0 else { return report(TINYRT_INVALID_ARGUMENT, error) }
    session.pointee = nil
    let memory = arena.map { UnsafeMutableRawBufferPointer(start: $0, count: arenaBytes) }
    do {
        session.pointee = retained(try Session(model: object(model, Model.self), arena: memory))
        return report(TINYRT_OK, error)
    } catch let failure { return report(failure, error) }
}

@c @implementation
public func tinyrt_session_close(_ session: OpaquePointer?) { release(session, Session.self) }

@c @implementation
public func tinyrt_classify(
    _ session: OpaquePointer?, _ rgb: UnsafePointer<UInt8>?, _ width: Int, _ height: Int, _ rowBytes: Int,
    _ predictions: UnsafeMutablePointer<tinyrt_prediction>?, _ capacity: Int, _ found: UnsafeMutablePointer<Int>?,
    _ rejected: UnsafeMutablePointer<Bool>?, _ error: UnsafeMutablePointer<tinyrt_error>?
) -> tinyrt_status {
    guard let session, let rgb else { return report(TINYRT_INVALID_ARGUMENT, error) }
    guard width > 0, width <= Int(Int32.max) / 3, rowBytes >= 3 * width else { return report(TINYRT_BAD_IMAGE, error) }
    let target = object(session, Session.self)
    guard let input = target.input.baseAddress else { return report(TINYRT_INVALID_ARGUMENT, error) }
    do {
        let preprocessor = try ImagePreprocessor(
            target.model.edge.preprocessing, sourceWidth: width, sourceHeight: height)
        preprocessor.run(source: rgb, sourceRowBytes: rowBytes, output: input)
    } catch let failure {
        _ = failure  // whatever it is, it is the sizes
        return report(TINYRT_BAD_IMAGE, error)
    }
    target.run()
    return report(tinyrt_predictions(session, predictions, capacity, found, rejected), error)
}

@c @implementation
public func tinyrt_input(_ session: OpaquePointer?) -> UnsafeMutablePointer<UInt8>? {
    session.flatMap { object($0, Session.self).input.baseAddress }
}

@c @implementation
public func tinyrt_run(_ session: OpaquePointer?) -> tinyrt_status {
    guard let session else { return TINYRT_INVALID_ARGUMENT }
    object(session, Session.self).run()
    return TINYRT_OK
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
    _ bytes: UnsafeRawPointer?, _ count: Int, _ model: UnsafeMutablePointer<OpaquePointer?>?,
    _ error: UnsafeMutablePointer<tinyrt_error>?, _ make: (UnsafeRawBufferPointer) throws(ModelError) -> Model
) -> tinyrt_status {
    model?.pointee = nil
    guard let bytes, let model, count >= 0 else { return report(TINYRT_INVALID_ARGUMENT, error) }
    do {
        model.pointee = retained(try make(UnsafeRawBufferPointer(start: bytes, count: count)))
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

private func report(_ status: tinyrt_status, _ error: UnsafeMutablePointer<tinyrt_error>?) -> tinyrt_status {
    error?.pointee = tinyrt_error(status: status, reason: statusText(status).cText, offset: -1, op: -1)
    return status
}

private func report(_ failure: ModelError, _ error: UnsafeMutablePointer<tinyrt_error>?) -> tinyrt_status {
    let status =
        switch failure {
        case .unsupportedVersion, .unsupportedFlags: TINYRT_UNSUPPORTED_MODEL
        case .misalignedBytes: TINYRT_INVALID_ARGUMENT
        case .instructionSetUnavailable: TINYRT_UNAVAILABLE
        case .arenaTooSmall, .arenaMisaligned: TINYRT_BAD_ARENA
        case .selfTestFailed, .selfTestOutputDiffers: TINYRT_SELF_TEST_FAILED
        default: TINYRT_BAD_MODEL
        }
    error?.pointee = tinyrt_error(
        status: status, reason: failure.reason.cText, offset: failure.fileOffset.map { Int64($0) } ?? -1,
        op: failure.opIndex.map { Int32($0) } ?? -1)
    return status
}

private func statusText(_ status: tinyrt_status) -> StaticString {
    switch status {
    case TINYRT_OK: "done"
    case TINYRT_INVALID_ARGUMENT: "an argument is missing, misaligned or out of range"
    case TINYRT_BAD_MODEL: "not a .tiny model, or a damaged one"
    case TINYRT_UNSUPPORTED_MODEL: "the model was made for another version of the format"
    case TINYRT_BAD_ARENA: "the arena is too small or does not start at a multiple of 64"
    case TINYRT_BAD_IMAGE: "the image's sizes are out of range"
    case TINYRT_SELF_TEST_FAILED: "self-test failed: this device does not compute what the model expects"
    case TINYRT_UNAVAILABLE: "the processor lacks an instruction set"
    default: "unknown status"
    }
}

extension StaticString {
    /// Static strings end with a zero byte.
    fileprivate var cText: UnsafePointer<CChar> { UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self) }
}
