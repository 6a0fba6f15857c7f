// tinyrt classify: photos to labels. A photo that cannot be read is named on standard error, the others are classified all the same.

import CDeviceShim
import CImageShim
import TinyRuntime

enum ClassifyCommand {
    private static let help: StaticString = """
        tinyrt classify MODEL.tiny PHOTO... [--top N] [--json]

        Prints the most probable classes of each photo (JPEG, PNG or PPM).

          --top N   classes to print for each photo, at least 1 (default 5)
          --json    one object a line: file, predictions [{index, label, probability}], rejected

        A photo that cannot be read is named on standard error and the others are classified; the exit code is then 65 (66 where all
        that is wrong is that files are missing). Example:

          tinyrt classify birds.tiny --top 1 garden.jpg balcony.jpg

        """

    static func run(_ arguments: inout Arguments) -> Int32 {
        var modelPath: Argument?
        var photos: [Argument] = []
        var top = 5
        var json = false
        var onlyNames = false
        while let word = arguments.next() {
            if onlyNames || !word.isOption {
                if modelPath == nil { modelPath = word } else { photos.append(word) }
            } else if word == "--" {
                onlyNames = true
            } else if word == "--json" {
                json = true
            } else if word == "--help" || word == "-h" {
                return Command.help(help)
            } else if word == "--top" {
                guard let value = arguments.next() else { return Output.usageError("--top needs a number") }
                guard let number = value.number, number > 0 else {
                    return Output.usageError("--top needs a whole number of at least 1, not", value)
                }
                top = number
            } else {
                return Output.usageError("unknown option", word)
            }
        }
        guard let modelPath else { return Output.usageError("a model is missing: tinyrt classify MODEL.tiny PHOTO...") }
        guard !photos.isEmpty else {
            return Output.usageError("a photo is missing: tinyrt classify MODEL.tiny PHOTO...")
        }
        var exitCode = ExitCode.done
        guard let model = ModelFile.open(modelPath, exitCode: &exitCode),
            let session = ModelFile.openSession(model, modelPath, exitCode: &exitCode)
        else { return exitCode }

        var (bad, missing) = (false, false)
        var text = TextBytes()
        for photo in photos {
            switch PhotoReader.read(photo, into: session) {
            case .missing: missing = true
            case .unreadable: bad = true
            case .done:
                session.run()
                let (predictions, rejected) = session.classify(top: top)
                text.removeAll()
                if json {
                    text.appendJSON(file: photo.bytes, predictions: predictions, rejected: rejected, model: model.edge)
                } else {
                    text.appendText(file: photo.bytes, predictions: predictions, rejected: rejected, model: model.edge)
                }
                guard Output.print(text) else { return ExitCode.outputNotWritten }
            }
        }
        return bad ? ExitCode.badData : missing ? ExitCode.missingInput : ExitCode.done
    }
}
