// tinyrt verify: is a model's file whole and sound: its checksum, and every check that loading makes.

import TinyRuntime

enum VerifyCommand {
    static let syntax = Syntax(
        command: "verify",
        help: """
            tinyrt verify MODEL.tiny...

            Checks each file's checksum and everything that loading checks, a line a file. The network does not run: see selftest. Exit
            code 65: a file is damaged, or not a model that this build reads. Example:

              tinyrt verify birds.tiny birds.tiny.previous

            """,
        options: [], names: 1...Int.max, missing: "a model is missing: tinyrt verify MODEL.tiny")

    static func run(_ options: Options) -> Int32 {
        var worst = ExitCode.done
        for path in options.names {
            var exitCode = ExitCode.done
            if let stored = StoredModel.read(path, exitCode: &exitCode) {
                var line = TextBytes()
                line.append(visible: path.bytes)
                line.append(": sound, checksum ")
                line.append(hexadecimal: stored.checksum, digits: 16)
                line.newline()
                guard Output.print(line) else { return ExitCode.outputNotWritten }
            }
            worst = ExitCode.worse(worst, exitCode)
        }
        return worst
    }
}
