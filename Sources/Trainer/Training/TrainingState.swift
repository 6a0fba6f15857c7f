// TrainingState: how far a run has come. Random numbers need no state of their own: every stream is keyed by the seed and the place where
// it is used (epoch, iteration, sample, phase), so epoch and iteration are the position in all of them.

package struct TrainingState: Codable, Sendable, Equatable {
    package struct Best: Codable, Sendable, Equatable {
        /// Finished epochs when it was measured.
        package var epoch: Int
        package var top1: Double
        package var loss: Double

        package init(epoch: Int, top1: Double, loss: Double) {
            self.epoch = epoch
            self.top1 = top1
            self.loss = loss
        }
    }

    /// Finished epochs.
    package var epoch = 0
    /// Finished batches of the whole run; what keys mosaics and dropout.
    package var iteration = 0
    /// Of the answer on the validation photos; nil without such photos.
    package var best: Best?
    /// Of the photos that the run trains on.
    package var dataHash: String
    /// Photos that could not be decoded and were left out.
    package var skippedImages = 0

    package init(dataHash: String) { self.dataHash = dataHash }
}
