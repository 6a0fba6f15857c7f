// ModelUpdate: puts another model under a name: checked before, whole at every moment, the one before kept. The file steps and their order
// are in CDeviceShim's device_update.h; here is what they need to know about models.

import CDeviceShim
import TinyRuntime

final class ModelUpdate {
    private var update: device_update
    private let path: Argument
    /// What stands under the name; nil: nothing, or nothing sound.
    let current: StoredModel?

    private init(_ update: device_update, _ path: Argument, current: StoredModel?) {
        self.update = update
        self.path = path
        self.current = current
    }

    deinit { device_update_end(&update) }

    /// Waits for another update in the same folder to end, and brings to an end what a killed one left. nil: the reason has been said.
    static func begin(_ path: Argument, exitCode: inout Int32) -> ModelUpdate? {
        var update = device_update()
        let error = device_update_begin(&update, path.pointer)
        guard error == 0 else {
            Output.complain(path.bytes, device_error_text(error))
            exitCode = ExitCode.outputNotWritten
            return nil
        }
        var current: StoredModel?
        switch StoredModel.read(update.current) {
        case .sound(let stored): current = stored
        case .unreadable(let error) where device_is_missing(error) != 0: break
        case .unreadable(let error):
            Output.complain(path.bytes, device_error_text(error))
            exitCode = ExitCode.outputNotWritten
        case .damaged(.notATinyModel) where !isNamedAsModel(path), .damaged(.tooShort) where !isNamedAsModel(path):
            Output.complain(
                path.bytes,
                "another file than a model stands there; remove it first, or choose a name that ends in .tiny")
            exitCode = ExitCode.badData
        case .damaged(let error): ModelFile.complain(path, error, "; it is replaced and not kept")
        }
        let begun = ModelUpdate(update, path, current: current)
        if exitCode == ExitCode.done { exitCode = begun.recover() }
        return exitCode == ExitCode.done ? begun : nil
    }

    var previousPath: Argument { Argument(pointer: UnsafePointer(update.previous)) }

    /// Returns the exit code; what is wrong has been said.
    func replace(with new: StoredModel) -> Int32 {
        var error = device_update_write(&update, new.bytes.baseAddress, new.bytes.count)
        if error == 0, current != nil { error = device_update_keep(&update) }
        if error != 0 { return said(error, "; nothing has changed") }
        error = device_update_publish(&update)
        if error == 0, current != nil { error = device_update_retire(&update) }
        return said(error, "; check which model stands there, and install it again")
    }

    /// A kept file is the one that was replaced, if it differs from the one that stands; a link to that one, or half a copy, if not.
    private func recover() -> Int32 {
        switch StoredModel.read(update.kept) {
        case .sound(let kept):
            let isCurrent = kept.checksum == current?.checksum
            return said(isCurrent ? device_update_drop_kept(&update) : device_update_retire(&update))
        case .unreadable(let error) where device_is_missing(error) != 0: return ExitCode.done
        case .unreadable, .damaged: return said(device_update_drop_kept(&update))
        }
    }

    private func said(_ error: Int32, _ consequence: StaticString = "") -> Int32 {
        if error == 0 { return ExitCode.done }
        var why = TextBytes()
        why.append(system: device_error_text(error))
        why.append(consequence)
        Output.complain(path.bytes, why)
        return ExitCode.outputNotWritten
    }

    private static func isNamedAsModel(_ path: Argument) -> Bool {
        let bytes = path.bytes
        let ending: StaticString = ".tiny"
        guard bytes.count >= ending.utf8CodeUnitCount else { return false }
        let start = bytes.count - ending.utf8CodeUnitCount
        for index in 0..<ending.utf8CodeUnitCount where bytes[start + index] != ending.utf8Start[index] { return false }
        return true
    }
}

extension StoredModel {
    /// Whether every instruction set of this processor computes what the model expects; what does not is said.
    func passesSelfTest(_ path: Argument) -> Bool {
        var passes = true
        SelfTestCommand.test(model) { instructionSet, error in
            guard let error else { return }
            passes = false
            var why = TextBytes()
            why.append(instructionSet.name)
            why.append(": ")
            why.append(error)
            why.append("; nothing was changed")
            Output.complain(path.bytes, why)
        }
        return passes
    }
}
