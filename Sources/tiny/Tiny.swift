// tiny: the workstation's command. Each subcommand has a file of its own: arguments in, one call, words out.
// Results go to standard output, everything else to standard error.

import ArgumentParser
import Foundation

@main
struct Tiny: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tiny",
        abstract: "Train a small image classifier, convert it to int8, classify photos offline.",
        discussion: """
            The way of a model:
              tiny train --data PHOTOS --out RUN
              tiny convert RUN/model.onnx --calibration PHOTOS/train -o model.tiny
              tiny classify model.tiny photo.jpg
            Exit codes: 0 done, 1 failure, 64 usage, 65 bad data, 66 missing input, 74 output not written.
            """,
        subcommands: [
            Train.self,
            Export.self,
            Convert.self,
            Classify.self,
            Infer.self,
            Inspect.self,
            Benchmark.self,
            Evaluate.self,
        ])

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            if let code = ExitCode(of: error) {
                FileHandle.standardError.write(Data("tiny: \(error)\n".utf8))
                Foundation.exit(code.rawValue)
            }
            exit(withError: error)
        }
    }
}
