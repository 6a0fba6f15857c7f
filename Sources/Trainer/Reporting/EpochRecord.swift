// EpochRecord: what is known of an epoch when it ends: a row of log.csv and a line on the screen.

package struct EpochRecord: Sendable, Equatable {
    /// From 1.
    package var epoch: Int
    /// Finished batches of the run.
    package var iteration: Int
    /// Of the epoch's last batch.
    package var rates: LearningRates
    /// Mean over the epoch's batches, one a phase.
    package var phaseLosses: [Double]
    /// nil without validation photos.
    package var validation: Validation?
    /// Photos a second in training, validation left out; a photo counts once however many phases show it.
    package var imagesPerSecond: Double
    /// Of training and validation.
    package var seconds: Double

    package init(
        epoch: Int, iteration: Int, rates: LearningRates, phaseLosses: [Double], validation: Validation?,
        imagesPerSecond: Double, seconds: Double
    ) {
        self.epoch = epoch
        self.iteration = iteration
        self.rates = rates
        self.phaseLosses = phaseLosses
        self.validation = validation
        self.imagesPerSecond = imagesPerSecond
        self.seconds = seconds
    }
}
