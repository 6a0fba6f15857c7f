// TrainingMethod: a method as data. One loop (Training/) runs any of them: for each batch, each phase in order is one
// forward, one backward and one step of the optimizer; the schedule advances once a batch.

/// One forward, backward and step on a batch.
package struct Phase: Sendable, Equatable {
    /// Depth of the recursive mosaic that rearranges the batch's pixels (Methods/RecursiveMosaic); nil: the photos as
    /// they are.
    package var mosaicDepth: Int?
    /// Which heads have a loss, and its weight.
    package var losses: [HeadLoss]

    package struct HeadLoss: Sendable, Equatable {
        package var head: Int
        package var weight: Float
        package init(head: Int, weight: Float) {
            self.head = head
            self.weight = weight
        }
    }

    package init(mosaicDepth: Int?, losses: [HeadLoss]) {
        self.mosaicDepth = mosaicDepth
        self.losses = losses
    }
}

package struct TrainingMethod: Sendable, Equatable {
    package var name: String
    package var phases: [Phase]

    package init(name: String, phases: [Phase]) {
        self.name = name
        self.phases = phases
    }

    /// arXiv 2112.04223: mosaics of depth 3, 2, 1 teach heads 1, 2, 3; the photo teaches the concat head, twice as
    /// strongly.
    package static let rmgPMSI = TrainingMethod(
        name: "rmg-pmsi",
        phases: [
            Phase(mosaicDepth: 3, losses: [.init(head: 0, weight: 1)]),
            Phase(mosaicDepth: 2, losses: [.init(head: 1, weight: 1)]),
            Phase(mosaicDepth: 1, losses: [.init(head: 2, weight: 1)]),
            Phase(mosaicDepth: nil, losses: [.init(head: 3, weight: 2)]),
        ])

    /// One head, one forward a batch.
    package static let plain = TrainingMethod(
        name: "plain", phases: [Phase(mosaicDepth: nil, losses: [.init(head: 0, weight: 1)])])
}
