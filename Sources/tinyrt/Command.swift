// Command: which subcommand, and the help.

import TinyRuntime

enum Command {
    static func run(_ arguments: Arguments) -> Int32 {
        var arguments = arguments
        guard let word = arguments.next() else {
            return Output.usageError(nil, "a command is missing, such as classify")
        }
        if word == "--help" || word == "-h" || word == "help" { return help(general) }
        if word == "--version" {
            var text = TextBytes()
            text.append(TinyRuntimeVersion.text)
            text.newline()
            return Output.print(text) ? ExitCode.done : ExitCode.outputNotWritten
        }
        if word == "classify" { return run(&arguments, ClassifyCommand.syntax, ClassifyCommand.run) }
        if word == "watch" { return run(&arguments, WatchCommand.syntax, WatchCommand.run) }
        if word == "benchmark" { return run(&arguments, BenchmarkCommand.syntax, BenchmarkCommand.run) }
        if word == "info" { return run(&arguments, InfoCommand.syntax, InfoCommand.run) }
        if word == "selftest" { return run(&arguments, SelfTestCommand.syntax, SelfTestCommand.run) }
        if word == "verify" { return run(&arguments, VerifyCommand.syntax, VerifyCommand.run) }
        if word == "install" { return run(&arguments, InstallCommand.syntax, InstallCommand.run) }
        if word == "rollback" { return run(&arguments, RollbackCommand.syntax, RollbackCommand.run) }
        return Output.usageError(nil, "unknown command", word)
    }

    private static func run(_ arguments: inout Arguments, _ syntax: Syntax, _ command: (Options) -> Int32) -> Int32 {
        switch Options.read(&arguments, syntax) {
        case .options(let options): command(options)
        case .ended(let exitCode): exitCode
        }
    }

    static func help(_ text: StaticString) -> Int32 {
        var bytes = TextBytes()
        bytes.append(text)
        return Output.print(bytes) ? ExitCode.done : ExitCode.outputNotWritten
    }

    private static let general: StaticString = """
        tinyrt: classify photos offline with a .tiny model.

          tinyrt classify MODEL.tiny FILE|FOLDER|-...    labels and probabilities; -: a stream of JPEGs from standard input
          tinyrt watch MODEL.tiny FOLDER                 the same for each photo that comes into a folder
          tinyrt benchmark MODEL.tiny                    how long a model takes on this device
          tinyrt info MODEL.tiny...                      what a model is
          tinyrt selftest MODEL.tiny...                  does this device compute what the model expects
          tinyrt verify MODEL.tiny...                    is the file whole and sound
          tinyrt install NEW.tiny --as MODEL.tiny        replace a model safely and keep the previous one
          tinyrt rollback MODEL.tiny                     back to the previous one
          tinyrt --version

        Each command has a --help of its own. Example:

          tinyrt classify birds.tiny garden.jpg

        Exit codes: 0 done, 1 failure, 64 usage, 65 bad data, 66 missing input, 74 output not written.

        """
}
