// ModelFile: a model from its path: mapped read-only, checked, used in place.

import CDeviceShim
import TinyRuntime

enum ModelFile {
    /// nil: the reason has been said on standard error, and `exitCode` is set.
    static func open(_ path: Argument, exitCode: inout Int32) -> Model? {
        var file = device_file()
        let error = device_map(path.pointer, Int(ModelLayout.Limit.fileBytes), &file)
        guard error == 0 else {
            Output.complain(path.bytes, device_error_text(error))
            exitCode = device_is_missing(error) != 0 ? ExitCode.missingInput : ExitCode.badData
            return nil
        }
        do {
            // The mapping lasts as long as the process.
            return try Model(mapping: UnsafeRawBufferPointer(start: file.bytes, count: file.count)) {}
        } catch {
            complain(path, error)
            device_close(&file)
            exitCode = ExitCode.badData
            return nil
        }
    }

    static func openSession(_ model: Model, _ path: Argument, exitCode: inout Int32) -> Session? {
        do {
            return try Session(model: model)
        } catch {
            complain(path, error)
            exitCode = ExitCode.failure
            return nil
        }
    }

    static func complain(_ path: Argument, _ error: ModelError) {
        var why = TextBytes()
        why.append(error)
        Output.complain(path.bytes, why)
    }
}
