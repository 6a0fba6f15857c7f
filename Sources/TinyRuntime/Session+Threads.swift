// Session+Threads: how many threads to give a session where nobody says. Left out: finding out what the machine has, which is its system's
// to say.

extension Session {
    /// More were not found to help the networks that this runtime is for; each costs scratch and a stack.
    public static let mostSuggestedThreads = 4

    /// A thread more is worth its waiting from this many multiply-adds a run on: docs/benchmarks.md has the measurement.
    private static let multiplyAddsPerThread: UInt64 = 16_000_000

    /// The number of threads that is expected to make a run of `model` fastest. The result of a run is the same for any.
    ///
    /// - Parameter processors: cores that nothing else needs, at least 1.
    public static func suggestedThreads(for model: Model, processors: Int) -> Int {
        let work = model.edge.work(model.edge.ops.indices).multiplyAdds
        let useful = Int(min(work / multiplyAddsPerThread, UInt64(mostSuggestedThreads)))
        return max(1, min(processors, useful))
    }
}
