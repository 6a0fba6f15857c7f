// tiny classify: photos to labels with a .tiny model, as a device does it. `tinyrt classify` prints the same.

import ArgumentParser
import Foundation
import ImageCodec
import ModelGraph
import TinyRuntime
import Trainer

struct Classify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Classify photos with a .tiny model.",
        discussion: """
            Prints the most probable classes of each photo (JPEG, PNG or PPM). A photo that cannot be read is named on standard error and
            the others are classified; the exit code is then 65 (66 where all that is wrong is that files are missing).

              tiny classify birds.tiny garden.jpg balcony.jpg --top 3
              tiny classify birds.tiny photos/*.jpg --json | jq -r 'select(.rejected) | .file'
            """)

    @Argument(help: ArgumentHelp("A .tiny file.", valueName: "model"))
    var model: String
    @Argument(help: ArgumentHelp("Photos.", valueName: "photo"))
    var photos: [String]
    @Option(help: ArgumentHelp("Classes to print for each photo.", valueName: "n"))
    var top = 5
    @Option(help: ArgumentHelp("Reject below this probability, 0 to 1. Default: the model's threshold.", valueName: "p"))
    var threshold: Float?
    @Flag(help: "One object a line: file, predictions [{index, label, probability}], rejected.")
    var json = false
    @Option(help: ArgumentHelp("Photos that are classified at once. Default: one a core.", valueName: "n"))
    var threads: Int?

    func validate() throws {
        guard !photos.isEmpty else { throw ValidationError("Name at least one photo.") }
        guard top >= 1 else { throw ValidationError("--top must be at least 1") }
        guard (0...1).contains(threshold ?? 0) else { throw ValidationError("--threshold must be from 0 to 1") }
        guard (1...1024).contains(threads ?? 1) else { throw ValidationError("--threads must be from 1 to 1024") }
    }

    private enum Answer: Sendable {
        case predictions([Prediction], rejected: Bool)
        case failure(ImageError)
    }

    func run() throws {
        let model = try EdgeModelFile.load(model)
        let sessions = SessionPool(model)
        let workers = min(photos.count, threads ?? ProcessInfo.processInfo.activeProcessorCount)
        let (photos, top, threshold) = (photos, top, threshold ?? model.edge.rejectionThreshold)
        let answers = Prefetcher<Answer>(count: photos.count, workers: workers, ahead: 4 * workers) { index in
            let preprocessing = model.edge.preprocessing
            let image: RGBImage
            do throws(ImageError) {
                image = try ImageFile.decode(path: photos[index], for: preprocessing).preprocessed(by: preprocessing)
            } catch {
                return .failure(error.underlying)
            }
            return try sessions.use { session in
                _ = session.input.update(fromContentsOf: image.pixels)
                session.run()
                let (predictions, rejected) = session.classify(top: top, threshold: threshold)
                return .predictions(predictions, rejected: rejected)
            }
        }

        var worst: ExitCode?
        var index = 0
        while let answer = try answers.next() {
            switch answer {
            case .predictions(let predictions, let rejected):
                var text = TextBytes()
                Array(photos[index].utf8).withUnsafeBufferPointer { file in
                    if json {
                        text.appendJSON(file: file, predictions: predictions, rejected: rejected, model: model.edge)
                    } else {
                        text.appendText(
                            file: file, predictions: predictions, rejected: rejected, threshold: threshold,
                            model: model.edge)
                    }
                }
                try StandardOutput.write(text)
            case .failure(let error):
                FileHandle.standardError.write(Data("tiny: \(photos[index]): \(error)\n".utf8))
                if error != .missing { worst = .badData } else if worst == nil { worst = .missingInput }
            }
            index += 1
        }
        if let worst { throw worst }
    }
}
