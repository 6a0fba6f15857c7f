// tinyrt install: a new model in the place of the one in use.

import TinyRuntime

enum InstallCommand {
    static let syntax = Syntax(
        command: "install",
        help: """
            tinyrt install NEW.tiny --as MODEL.tiny

            Checks NEW.tiny, runs its self-test with each instruction set of this processor, writes it beside MODEL.tiny, and renames it
            into place once it is on the disk. What stood there is kept as MODEL.tiny.previous: see rollback. Killed at any moment, or
            without power, one whole model stands under the name; the next install removes what the killed one left. `tinyrt watch` takes
            the new model before its next photo. Exit code 74: it could not be written; the message says whether anything has changed. Example:

              tinyrt install /tmp/birds-2.tiny --as /var/lib/birds/birds.tiny

            """,
        options: [.destination], names: 1...1, missing: "a model is missing: tinyrt install NEW.tiny --as MODEL.tiny")

    static func run(_ options: Options) -> Int32 {
        guard let destination = options.destination else {
            return Output.usageError("install", "--as is missing: tinyrt install NEW.tiny --as MODEL.tiny")
        }
        var exitCode = ExitCode.done
        guard let new = StoredModel.read(options.names[0], exitCode: &exitCode) else { return exitCode }
        guard new.passesSelfTest(options.names[0]) else { return ExitCode.failure }
        guard let update = ModelUpdate.begin(destination, exitCode: &exitCode) else { return exitCode }

        var line = TextBytes()
        line.append(visible: destination.bytes)
        if let current = update.current, current.checksum == new.checksum {
            line.append(": is this model already, checksum ")
            line.append(hexadecimal: new.checksum, digits: 16)
        } else {
            exitCode = update.replace(with: new)
            if exitCode != ExitCode.done { return exitCode }
            line.append(": installed, checksum ")
            line.append(hexadecimal: new.checksum, digits: 16)
            if update.current != nil {
                line.append("; the one before is kept as ")
                line.append(visible: update.previousPath.bytes)
            }
        }
        line.newline()
        return Output.print(line) ? ExitCode.done : ExitCode.outputNotWritten
    }
}
