// Command: which subcommand, and the help.

import TinyRuntime

enum Command {
    static func run(_ arguments: Arguments) -> Int32 {
        var arguments = arguments
        guard let word = arguments.next() else {
            return Output.usageError("a command is missing: classify, info or selftest")
        }
        if word == "classify" { return ClassifyCommand.run(&arguments) }
        if word == "info" { return InfoCommand.run(&arguments) }
        if word == "selftest" { return SelfTestCommand.run(&arguments) }
        if word == "--help" || word == "-h" || word == "help" { return help(general) }
        if word == "--version" {
            var text = TextBytes()
            text.append(TinyRuntimeVersion.text)
            text.newline()
            return Output.print(text) ? ExitCode.done : ExitCode.outputNotWritten
        }
        return Output.usageError("unknown command", word)
    }

    static func help(_ text: StaticString) -> Int32 {
        var bytes = TextBytes()
        bytes.append(text)
        return Output.print(bytes) ? ExitCode.done : ExitCode.outputNotWritten
    }

    private static let general: StaticString = """
        tinyrt: classify photos offline with a .tiny model.

          tinyrt classify MODEL.tiny PHOTO...   labels and probabilities
          tinyrt info MODEL.tiny                what a model is
          tinyrt selftest MODEL.tiny            does this device compute what the model expects
          tinyrt --version

        Each command has a --help of its own. Example:

          tinyrt classify birds.tiny garden.jpg

        Exit codes: 0 done, 1 failure, 64 usage, 65 bad data, 66 missing input, 74 output not written.

        """
}
