// tinyrt classify: photos to labels. A photo that cannot be read is named on standard error, the others are classified all the same. With
// several threads, another one decodes the next photos while the network runs; what is printed, and in what order, is the same.

import CDeviceShim
import TinyRuntime

final class ClassifyCommand {
    static let syntax = Syntax(
        command: "classify",
        help: """
            tinyrt classify MODEL.tiny FILE|FOLDER|-... [--top N] [--threshold P] [--threads N] [--json]

            Prints the most probable classes of each photo (JPEG, PNG or PPM).

              FOLDER          its .jpg, .jpeg, .png and .ppm files and those in its folders, in the order of their names' bytes; names
                              that begin with a dot are left out
              -               JPEGs one after the other from standard input, answered as each is complete: stream:1, stream:2 ...
              --top N         classes to print for each photo, at least 1 (default 5)
              --threshold P   reject a photo whose best class is below this probability, 0 to 1 (default: the model's)
              --threads N     threads that share the work of one photo, 1 to 64 (default: one a core, at most 4, fewer
                              where the network is small); unless 1, another decodes the next photo meanwhile
              --json          one object a line: file, predictions [{index, label, probability}], rejected

            A photo that cannot be read is named on standard error and the others are classified; the exit code is then 65 (66 where all
            that is wrong is that files are missing). Examples:

              tinyrt classify birds.tiny --top 1 garden.jpg balcony.jpg
              ffmpeg -loglevel error -i /dev/video0 -f image2pipe -c:v mjpeg - | tinyrt classify birds.tiny --json -

            """,
        options: [.json, .top, .threshold, .threads], names: 2...Int.max,
        missing: "a model or a photo is missing: tinyrt classify MODEL.tiny FILE|FOLDER|-...")

    private let classifier: Classifier
    private var exitCode = ExitCode.done

    static func run(_ options: Options) -> Int32 {
        var exitCode = ExitCode.done
        guard let classifier = Classifier(options.names[0], options, exitCode: &exitCode) else { return exitCode }
        let command = ClassifyCommand(classifier: classifier)
        let isDone =
            (options.threads ?? Int(device_processors(2))) > 1 && isSeveral(options.names)
            ? command.classifyAhead(options.names) : command.classify(options.names)
        return isDone ? command.exitCode : ExitCode.outputNotWritten
    }

    private init(classifier: Classifier) { self.classifier = classifier }

    /// Whether there is a photo to decode while another is classified.
    private static func isSeveral(_ names: [Argument]) -> Bool {
        var identity = device_identity()
        return names.count > 2 || names[1] == "-"
            || (device_identify(names[1].pointer, &identity) == 0 && identity.is_folder != 0)
    }

    /// False: standard output takes no more.
    private func classify(_ names: [Argument]) -> Bool {
        PhotoFinder(names, classifier.model.edge.preprocessing) { [self] name, decode in
            take(name, decode(classifier.input))
        }.run()
    }

    /// The same with photos that another thread has decoded: two at most lie ready.
    private func classifyAhead(_ names: [Argument]) -> Bool {
        guard let line = PhotoLine(photoBytes: classifier.inputBytes),
            line.start(names, classifier.model.edge.preprocessing)
        else { return classify(names) }
        while let photo = line.next() {
            if photo.problem == nil { classifier.input.update(from: photo.pixels, count: classifier.inputBytes) }
            let name = photo.name
            let goesOn = name.bytes.withUnsafeBufferPointer { take($0, photo.problem) }
            guard goesOn else {
                line.stop()
                return false
            }
            line.used()
        }
        return true
    }

    /// - Parameter problem: nil: the photo is the network's input.
    private func take(_ name: UnsafeBufferPointer<UInt8>, _ problem: PhotoProblem?) -> Bool {
        guard let problem else { return classifier.answer(name) }
        Output.complain(name, problem.words)
        exitCode = ExitCode.worse(exitCode, problem.exitCode)
        return true
    }
}
