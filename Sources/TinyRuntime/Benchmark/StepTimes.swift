// StepTimes: when each step of several runs ended, by the clock of the thread that called `run`.

public struct StepTimes: Sendable {
    static let mostRuns = 1000

    /// The ops of each step.
    public let steps: [Range<Int>]
    public let runs: Int
    /// Run by run: the start, then each step's end.
    private var stamps: [UInt64]

    init(_ session: Session, runs: Int) {
        self.runs = runs
        steps = session.steps
        stamps = [UInt64](repeating: 0, count: runs * (steps.count + 1))
    }

    /// - Parameter run: of the `runs`.
    mutating func record(_ session: Session, run: Int, _ clock: () -> UInt64) {
        let first = run * (steps.count + 1)
        stamps[first] = clock()
        session.run { step in stamps[first + step + 1] = clock() }
    }

    /// Nanoseconds on the clock; step −1 ends where the run starts.
    func end(ofStep step: Int, run: Int) -> UInt64 { stamps[run * (steps.count + 1) + step + 1] }

    public func durations(ofStep step: Int) -> Durations {
        var times: [UInt64] = []
        times.reserveCapacity(runs)
        for run in 0..<runs { times.append(end(ofStep: step, run: run) - end(ofStep: step - 1, run: run)) }
        return Durations(times)
    }
}
