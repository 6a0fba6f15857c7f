// NetworkBenchmark: times whole runs of a session, then the steps of further runs. The network alone: no photo is decoded. What a step is
// compared with (the machine's bound) is in StepProfile.swift; how it is told, in BenchmarkReport.swift.

public struct NetworkBenchmark: Sendable {
    public struct Settings: Sendable {
        /// Timed runs, at least 1.
        public var runs = 100
        /// Runs before them that are not timed.
        public var warmup = 10
        /// Whether the steps are timed too, in runs of their own: looking at the clock between them is no part of a whole run.
        public var timesSteps = false

        public init() {}
    }

    public let settings: Settings
    public let runs: Durations
    public let steps: StepTimes?

    /// Between two reports of progress, in nanoseconds.
    private static let pause: UInt64 = 3_000_000_000

    /// - Parameters:
    ///   - clock: nanoseconds that only go forward.
    ///   - progress: called between runs, every three seconds, with how many have ended and how many there are in all.
    /// - Complexity: twice the runs where steps are timed; 8 bytes a run, and for the steps at most 8 bytes × 1,000 runs × steps.
    public static func measure(
        _ session: Session, _ settings: Settings, clock: () -> UInt64, progress: (_ done: Int, _ all: Int) -> Void
    ) -> NetworkBenchmark {
        let stepRuns = settings.timesSteps ? min(settings.runs, StepTimes.mostRuns) : 0
        let all = settings.warmup + settings.runs + stepRuns
        var times = [UInt64](repeating: 0, count: settings.runs)
        var steps = stepRuns > 0 ? StepTimes(session, runs: stepRuns) : nil
        var generator = SplitMix64(seed: 0)
        var lastReport = clock()
        for done in 0..<all {
            let now = clock()
            if now - lastReport >= pause {
                progress(done, all)
                lastReport = now
            }
            // Random pixels, since the last run may have overwritten the input.
            generator.fill(session.input)
            let run = done - settings.warmup
            if run < settings.runs {
                let start = clock()
                session.run()
                let end = clock()
                if run >= 0 { times[run] = end - start }
            } else {
                steps?.record(session, run: run - settings.runs, clock)
            }
        }
        return NetworkBenchmark(settings: settings, runs: Durations(times), steps: steps)
    }
}
