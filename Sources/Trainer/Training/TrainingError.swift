// TrainingError: why a run did not begin or did not end, and what to do about it.

package enum TrainingError: Error, Equatable {
    /// --out holds a run already.
    case runExists(folder: String)
    case nothingToResume(folder: String)
    /// Options that are not those of the run to be resumed.
    case differentRecipe(folder: String, fields: [String])
    case differentPhotos(folder: String, data: String)
    /// A loss is no number any more.
    case diverged(phase: Int, loss: Float, epoch: Int, batch: Int, finishedEpochs: Int, checkpoint: String)
    /// A signal asked to stop.
    case interrupted(signal: Int32, finishedEpochs: Int, checkpoint: String)
}

extension TrainingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .runExists(let folder):
            "\(folder) holds a run already: go on with --resume, or choose another --out, or remove the folder"
        case .nothingToResume(let folder):
            "\(folder) holds no last.safetensors to resume from: start without --resume"
        case .differentRecipe(let folder, let fields):
            """
            the run in \(folder) was started with other options: \(fields.joined(separator: "; ")). \
            Leave them out to resume it, or start a new run in another --out
            """
        case .differentPhotos(let folder, let data):
            """
            \(data): these are not the photos that the run in \(folder) was started with; \
            start a new run from its weights: --weights \(folder)/best.safetensors --out ANOTHER
            """
        case .diverged(let phase, let loss, let epoch, let batch, let finished, let checkpoint):
            "the loss of phase \(phase) became \(loss) in epoch \(epoch), batch \(batch): choose a lower --lr. "
                + Self.stands(finished, checkpoint)
        case .interrupted(_, let finished, let checkpoint):
            "stopped. " + Self.stands(finished, checkpoint)
        }
    }

    private static func stands(_ finishedEpochs: Int, _ checkpoint: String) -> String {
        finishedEpochs == 0
            ? "No epoch was finished, so there is no checkpoint"
            : "\(checkpoint) holds the network after epoch \(finishedEpochs)"
    }
}
