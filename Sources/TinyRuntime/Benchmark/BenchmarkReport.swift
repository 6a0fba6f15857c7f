// BenchmarkReport: what a benchmark found, as lines, as one JSON object and as a trace. `tiny benchmark` and `tinyrt benchmark` print this.

public struct BenchmarkReport {
    let file: [UInt8]
    let model: EdgeModel
    let instructionSet: InstructionSet
    let threads: Int
    let arenaBytes: Int
    let result: NetworkBenchmark
    let steps: [StepProfile]
    /// nil: not measured.
    let bound: MachineBound?
    /// Whether lines and JSON tell of the steps; the trace does wherever they were timed.
    let showsSteps: Bool
    /// The most that the process had resident; 0: the system does not tell.
    let peakBytes: Int
    /// As the system names it; may be empty.
    let processor: [UInt8]

    public init(
        file: UnsafeBufferPointer<UInt8>, session: Session, threads: Int, arenaBytes: Int, result: NetworkBenchmark,
        bound: MachineBound?, showsSteps: Bool, peakBytes: Int, processor: UnsafeBufferPointer<UInt8>
    ) {
        self.file = [UInt8](file)
        self.processor = [UInt8](processor)
        model = session.model.edge
        instructionSet = session.instructionSet
        self.threads = threads
        self.arenaBytes = arenaBytes
        self.result = result
        self.bound = bound
        self.showsSteps = showsSteps
        self.peakBytes = peakBytes
        var steps: [StepProfile] = []
        if let times = result.steps {
            for step in times.steps.indices { steps.append(StepProfile(times, step: step, model: model)) }
        }
        self.steps = steps
    }

    var median: Double { result.runs.milliseconds(percent: 50) }
    var work: (multiplyAdds: UInt64, weightBytes: UInt64) { model.work(model.ops.indices) }

    /// Of the steps' medians, and of the least times that are known.
    var stepSums: (milliseconds: Double, least: Double) {
        var sums = (milliseconds: 0.0, least: 0.0)
        for step in steps {
            sums.milliseconds += step.medianMilliseconds
            if let bound, let least = step.least(bound) { sums.least += least.milliseconds }
        }
        return sums
    }
}
