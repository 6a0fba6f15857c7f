// tinyrt selftest: does this device compute what the model expects, op by op, with every instruction set that it has.

import TinyRuntime

enum SelfTestCommand {
    private static let help: StaticString = """
        tinyrt selftest MODEL.tiny

        Runs the test stored in the model with each instruction set of this processor and compares every op's result byte for byte.
        Exit code 0: all agree; 1: the device computes something else. Example:

          tinyrt selftest birds.tiny

        """

    static func run(_ arguments: inout Arguments) -> Int32 {
        var path: Argument?
        while let word = arguments.next() {
            if word == "--help" || word == "-h" { return Command.help(help) }
            if word.isOption { return Output.usageError("unknown option", word) }
            guard path == nil else { return Output.usageError("one model at a time; what is", word) }
            path = word
        }
        guard let path else { return Output.usageError("a model is missing: tinyrt selftest MODEL.tiny") }
        var exitCode = ExitCode.done
        guard let model = ModelFile.open(path, exitCode: &exitCode) else { return exitCode }
        for instructionSet in InstructionSet.allCases where instructionSet.isAvailable {
            var text = TextBytes()
            text.append(instructionSet.name)
            text.append(": ")
            do {
                try Session(model: model, instructionSet: instructionSet).selfTest()
                text.append("agrees with the model, ")
                text.append(model.edge.ops.count)
                text.append(" ops\n")
            } catch {
                text.append(error)
                text.newline()
                exitCode = ExitCode.failure
            }
            guard Output.print(text) else { return ExitCode.outputNotWritten }
        }
        return exitCode
    }
}
