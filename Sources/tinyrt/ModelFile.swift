// ModelFile: a model from its path, checked: mapped to be run, or read to be looked over and written again.

import CDeviceShim
import TinyRuntime

enum ModelFile {
    private static let limit = Int(ModelLayout.Limit.fileBytes)

    /// Mapped read-only and used in place. nil: the reason has been said on standard error, and `exitCode` is set.
    ///
    /// - Parameter consequence: ends that line.
    static func open(
        _ path: Argument, exitCode: inout Int32, consequence: StaticString = ""
    ) -> (model: Model, identity: device_identity)? {
        var file = device_file()
        let error = device_map(path.pointer, limit, &file)
        guard error == 0 else {
            complain(path, error, consequence)
            exitCode = ExitCode.forInput(error)
            return nil
        }
        let address = UInt(bitPattern: file.bytes)
        let count = file.count
        do {
            let model = try Model(mapping: UnsafeRawBufferPointer(start: file.bytes, count: count)) {
                var file = device_file()
                file.bytes = UnsafePointer(bitPattern: address)
                file.count = count
                file.is_mapped = 1
                device_close(&file)
            }
            return (model, file.identity)
        } catch {
            complain(path, error, consequence)
            device_close(&file)
            exitCode = ExitCode.badData
            return nil
        }
    }

    static func openSession(_ model: Model, _ path: Argument, threads: Int, exitCode: inout Int32) -> Session? {
        do {
            return try Session(model: model, threads: threads)
        } catch {
            complain(path, error)
            exitCode = ExitCode.failure
            return nil
        }
    }

    static func complain(_ path: Argument, _ error: ModelError, _ consequence: StaticString = "") {
        var why = TextBytes()
        why.append(error)
        why.append(consequence)
        Output.complain(path.bytes, why)
    }

    private static func complain(_ path: Argument, _ error: Int32, _ consequence: StaticString) {
        var why = TextBytes()
        why.append(system: device_error_text(error))
        why.append(consequence)
        Output.complain(path.bytes, why)
    }
}

/// A model's file in memory: read, so that a failing disk is an error here and what was checked is what gets written.
final class StoredModel {
    enum Outcome {
        case sound(StoredModel)
        case damaged(ModelError)
        case unreadable(Int32)
    }

    private var file: device_file
    let model: Model

    private init(_ file: device_file, _ model: Model) {
        self.file = file
        self.model = model
    }

    deinit { device_close(&file) }

    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: file.bytes, count: file.count) }
    var checksum: UInt64 { model.edge.checksum }

    static func read(_ path: UnsafePointer<CChar>) -> Outcome {
        var file = device_file()
        let error = device_read(path, Int(ModelLayout.Limit.fileBytes), &file)
        guard error == 0 else { return .unreadable(error) }
        do {
            return .sound(
                StoredModel(file, try Model(mapping: UnsafeRawBufferPointer(start: file.bytes, count: file.count)) {}))
        } catch {
            device_close(&file)
            return .damaged(error)
        }
    }

    /// nil: the reason has been said, and `exitCode` is set.
    static func read(_ path: Argument, exitCode: inout Int32) -> StoredModel? {
        switch read(path.pointer) {
        case .sound(let stored): return stored
        case .damaged(let error):
            ModelFile.complain(path, error)
            exitCode = ExitCode.badData
        case .unreadable(let error):
            Output.complain(path.bytes, device_error_text(error))
            exitCode = ExitCode.forInput(error)
        }
        return nil
    }
}
