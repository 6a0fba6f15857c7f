// tinyrt selftest: does this device compute what the model expects, op by op, with every instruction set that it has.

import TinyRuntime

enum SelfTestCommand {
    static let syntax = Syntax(
        command: "selftest",
        help: """
            tinyrt selftest MODEL.tiny...

            Runs the test stored in a model with each instruction set of this processor and compares every op's result byte for byte with
            what plain C gave when the model was made. Exit code 0: all agree; 1: the device computes something else. Example:

              tinyrt selftest birds.tiny

            """,
        options: [], names: 1...Int.max, missing: "a model is missing: tinyrt selftest MODEL.tiny")

    static func run(_ options: Options) -> Int32 {
        var worst = ExitCode.done
        for path in options.names {
            var exitCode = ExitCode.done
            if let (model, _) = ModelFile.open(path, exitCode: &exitCode) {
                var lines = TextBytes()
                test(model) { instructionSet, error in
                    if options.names.count > 1 {
                        lines.append(visible: path.bytes)
                        lines.append(": ")
                    }
                    lines.append(instructionSet.name)
                    lines.append(": ")
                    if let error {
                        lines.append(error)
                        exitCode = ExitCode.failure
                    } else {
                        lines.append("agrees with the model, ")
                        lines.append(model.edge.ops.count)
                        lines.append(" ops")
                    }
                    lines.newline()
                }
                guard Output.print(lines) else { return ExitCode.outputNotWritten }
            }
            worst = ExitCode.worse(worst, exitCode)
        }
        return worst
    }

    /// Says for each instruction set of this processor what is wrong with it, or nil.
    static func test(_ model: Model, _ say: (InstructionSet, ModelError?) -> Void) {
        for instructionSet in InstructionSet.allCases where instructionSet.isAvailable {
            do {
                try Session(model: model, instructionSet: instructionSet).selfTest()
                say(instructionSet, nil)
            } catch {
                say(instructionSet, error)
            }
        }
    }
}
