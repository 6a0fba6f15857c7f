// Classifier: a model, a session of it and the way its answers are printed.

import CDeviceShim
import TinyRuntime

struct Classifier {
    enum Outcome {
        case answered
        case failed(PhotoProblem)
        /// Standard output takes no more; that has been said.
        case outputLost
    }

    let model: Model
    let modelIdentity: device_identity
    private let session: Session
    private let options: Options

    /// nil: the reason has been said on standard error, and `exitCode` is set.
    init?(_ path: Argument, _ options: Options, exitCode: inout Int32, consequence: StaticString = "") {
        guard let (model, identity) = ModelFile.open(path, exitCode: &exitCode, consequence: consequence),
            let session = ModelFile.openSession(model, path, threads: options.threads(for: model), exitCode: &exitCode)
        else { return nil }
        self.model = model
        modelIdentity = identity
        self.session = session
        self.options = options
    }

    /// What `answer` classifies: H×W×3 bytes R G B, to be filled for each photo.
    var input: UnsafeMutablePointer<UInt8> { session.input.baseAddress.unsafelyUnwrapped }
    var inputBytes: Int { session.input.count }

    /// - Parameter identity: which file was opened; untouched where none was.
    func classify(_ path: Argument, identity: inout device_identity) -> Outcome {
        if let problem = PhotoReader.read(path, model.edge.preprocessing, into: input, identity: &identity) {
            return .failed(problem)
        }
        return answer(path.bytes) ? .answered : .outputLost
    }

    /// Classifies `input`. False: standard output takes no more; that has been said.
    func answer(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        session.run()
        let threshold = options.threshold ?? model.edge.rejectionThreshold
        let (predictions, rejected) = session.classify(top: options.top, threshold: threshold)
        var text = TextBytes()
        if options.json {
            text.appendJSON(file: name, predictions: predictions, rejected: rejected, model: model.edge)
        } else {
            text.appendText(
                file: name, predictions: predictions, rejected: rejected, threshold: threshold, model: model.edge)
        }
        return Output.print(text)
    }
}
