// TraceFile: writes a file whole or not at all, by the steps of CDeviceShim's device_update.h.

import CDeviceShim
import TinyRuntime

enum TraceFile {
    /// Whether it could be written, before the work for it is done. Returns the exit code; what is wrong has been said.
    static func check(_ path: Argument) -> Int32 {
        // What is renamed over a device or a pipe would take its place.
        var identity = device_identity()
        if device_identify(path.pointer, &identity) == 0, identity.is_file == 0 {
            return said(path, Int32(device_not_a_file))
        }
        var update = device_update()
        let error = device_update_begin(&update, path.pointer)
        if error == 0 { device_update_end(&update) }
        return said(path, error)
    }

    static func write(_ text: TextBytes, to path: Argument) -> Int32 {
        var update = device_update()
        var error = device_update_begin(&update, path.pointer)
        guard error == 0 else { return said(path, error) }
        defer { device_update_end(&update) }
        error = text.bytes.withUnsafeBufferPointer { device_update_write(&update, $0.baseAddress, $0.count) }
        if error == 0 { error = device_update_publish(&update) }
        return said(path, error)
    }

    private static func said(_ path: Argument, _ error: Int32) -> Int32 {
        if error == 0 { return ExitCode.done }
        Output.complain(path.bytes, device_error_text(error))
        return ExitCode.outputNotWritten
    }
}
