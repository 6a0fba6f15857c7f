// BatchProgress: where a run stands after a batch, for the screen.

package struct BatchProgress: Sendable, Equatable {
    /// From 1.
    package var epoch: Int
    package var epochs: Int
    /// From 1.
    package var batch: Int
    package var batches: Int
    /// Means over the epoch so far, one a phase.
    package var phaseLosses: [Double]
    package var imagesPerSecond: Double
    /// Training and validation to the last epoch.
    package var secondsLeft: Double

    package init(
        epoch: Int, epochs: Int, batch: Int, batches: Int, phaseLosses: [Double], imagesPerSecond: Double,
        secondsLeft: Double
    ) {
        self.epoch = epoch
        self.epochs = epochs
        self.batch = batch
        self.batches = batches
        self.phaseLosses = phaseLosses
        self.imagesPerSecond = imagesPerSecond
        self.secondsLeft = secondsLeft
    }
}
