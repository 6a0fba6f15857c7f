// tinyrt rollback: back to the model that install kept.

import CDeviceShim
import TinyRuntime

enum RollbackCommand {
    static let syntax = Syntax(
        command: "rollback",
        help: """
            tinyrt rollback MODEL.tiny

            Swaps MODEL.tiny and MODEL.tiny.previous, as safely as install does; a second rollback swaps them back. Example:

              tinyrt rollback /var/lib/birds/birds.tiny

            """,
        options: [], names: 1...1, missing: "a model is missing: tinyrt rollback MODEL.tiny")

    static func run(_ options: Options) -> Int32 {
        var exitCode = ExitCode.done
        guard let update = ModelUpdate.begin(options.names[0], exitCode: &exitCode) else { return exitCode }
        let path = update.previousPath
        let previous: StoredModel
        switch StoredModel.read(path.pointer) {
        case .sound(let stored): previous = stored
        case .damaged(let error):
            ModelFile.complain(path, error, "; nothing was changed")
            return ExitCode.badData
        case .unreadable(let error):
            var why = TextBytes()
            why.append(system: device_error_text(error))
            why.append("; there is no previous model to go back to")
            Output.complain(path.bytes, why)
            return ExitCode.forInput(error)
        }
        guard previous.passesSelfTest(path) else { return ExitCode.failure }

        var line = TextBytes()
        line.append(visible: options.names[0].bytes)
        if let current = update.current, current.checksum == previous.checksum {
            line.append(": is the previous model already, checksum ")
        } else {
            exitCode = update.replace(with: previous)
            if exitCode != ExitCode.done { return exitCode }
            line.append(": rolled back, checksum ")
        }
        line.append(hexadecimal: previous.checksum, digits: 16)
        line.newline()
        return Output.print(line) ? ExitCode.done : ExitCode.outputNotWritten
    }
}
