// Session: one model, one arena, one caller at a time: write pixels to `input`, `run()`, read `output`. Nothing is allocated and nothing is
// checked after `init`. Left out: reading photos (ImagePreprocessor, the callers).

import CTinyKernels

public final class Session {
    public let model: Model
    public let instructionSet: InstructionSet
    /// What runs as one: ranges of op indices, each of one op or of a block's.
    public let steps: [Range<Int>]
    private let arena: Arena
    private let work: UnsafeMutableBufferPointer<Step>
    private let context: RunContext
    private let pool: ThreadPool
    let probabilities: ProbabilityTable
    /// Stops the run under way; any thread may hold it.
    public let cancellation = Cancellation()

    public static let threadCounts = 1...Int(tk_pool_max_threads)

    /// Bytes of memory that a session of `model` needs: activations, and what the kernels need for each thread.
    ///
    /// - Throws: `.instructionSetUnavailable`, `.threadCount`, `.limitExceeded`.
    public static func arenaBytes(
        for model: Model, instructionSet: InstructionSet = .best, threads: Int = 1, fused: Bool = true
    ) throws(ModelError) -> Int {
        try Arena.bytes(for: SessionPlan(model, instructionSet, threads: threads, fused: fused))
    }

    /// - Parameters:
    ///   - threads: how many compute a run, the caller included. The result is the same for any number. The others belong to the
    ///     session and sleep between runs.
    ///   - fused: false: the ops of blocks run one by one, as with the plain instruction set, and give the same bytes.
    ///   - arena: at least `arenaBytes(for:instructionSet:threads:fused:)` bytes at a multiple of 64 that outlive the session; nil:
    ///     allocated.
    /// - Throws: `.instructionSetUnavailable`, `.threadCount`, `.noThreads`, `.arenaTooSmall`, `.arenaMisaligned`, `.outOfMemory`.
    public init(
        model: Model, instructionSet: InstructionSet = .best, threads: Int = 1, fused: Bool = true,
        arena memory: UnsafeMutableRawBufferPointer? = nil
    ) throws(ModelError) {
        let plan = try SessionPlan(model, instructionSet, threads: threads, fused: fused)
        self.model = model
        self.instructionSet = instructionSet
        let edge = model.edge
        arena = try Arena(for: plan, memory: memory)
        pool = try ThreadPool(threads: threads)
        context = RunContext(
            arena: arena.activations, scratch: arena.scratch, scratchStride: arena.scratchStride, kernels: plan.kernels,
            pool: pool.pool)
        steps = plan.steps
        work = .allocate(capacity: steps.count)
        for (index, ops) in steps.enumerated() { work.initializeElement(at: index, to: Step(ops, of: edge)) }
        let input = edge.inputTensor
        self.input = UnsafeMutableBufferPointer(start: arena.activations + input.arenaOffset, count: input.bytes)
        let output = edge.outputTensor
        self.output = UnsafeBufferPointer(start: arena.activations + output.arenaOffset, count: output.bytes)
        probabilities = ProbabilityTable(scale: output.quantization.scale, temperature: edge.temperature)
    }

    deinit { work.deallocate() }

    /// H×W×3 RGB bytes; `run()` may overwrite them.
    public let input: UnsafeMutableBufferPointer<UInt8>
    /// 1×1×C quantized logits of the last run.
    public let output: UnsafeBufferPointer<UInt8>

    /// Cost: the network. Allocates nothing.
    ///
    /// - Returns: false where `cancellation` ended it early: `output` then means nothing.
    @discardableResult
    public func run() -> Bool {
        for step in work {
            guard !cancellation.take() else { return false }
            step.run(context)
        }
        return true
    }

    /// As `run()`, telling of each step right after it ran.
    public func run(afterEachStep: (_ step: Int) -> Void) {
        for index in work.indices {
            work[index].run(context)
            afterEachStep(index)
        }
    }

    /// As `run()`, showing each step's output bytes right after it ran (a later one may reuse their place). Allocates for outputs that
    /// stand inside a concat's.
    ///
    /// - Parameter afterEachStep: `step` is an index of `steps`, `output` what its last op gave: H×W×C bytes (none where memory for
    ///   them lacks).
    public func run(afterEachStep: (_ step: Int, _ output: UnsafeBufferPointer<UInt8>) -> Void) {
        run { index in
            let output = model.edge.tensors[model.edge.ops[steps[index].upperBound - 1].output]
            let isApart = output.pixelStride > output.channels
            let copy = isApart ? gathered(output) : nil
            let start = isApart ? copy : arena.activations + output.arenaOffset
            afterEachStep(index, UnsafeBufferPointer(start: start, count: start == nil ? 0 : output.bytes))
            tk_free(copy)
        }
    }

    /// A copy, pixel after pixel, of a tensor inside a concat's output; nil where there is no memory for it.
    @inline(never) private func gathered(_ tensor: ModelTensor) -> UnsafeMutablePointer<UInt8>? {
        guard let copy = tk_allocate(tensor.bytes)?.assumingMemoryBound(to: UInt8.self) else { return nil }
        for pixel in 0..<tensor.pixels {
            let source = arena.activations + tensor.arenaOffset + pixel * tensor.pixelStride
            (copy + pixel * tensor.channels).update(from: source, count: tensor.channels)
        }
        return copy
    }

    /// The real value of output channel `index`, in `0 ..< classCount`.
    public func logit(_ index: Int) -> Float { model.edge.outputTensor.quantization.real(output[index]) }

    /// Runs the network on the stored input and compares every step's bytes with the file's: kernels, compiler and memory give what the
    /// converter saw.
    ///
    /// - Throws: `.selfTestFailed` with the first op that differs (of a block its last), or `.selfTestOutputDiffers`.
    public func selfTest() throws(ModelError) {
        let edge = model.edge
        var generator = SplitMix64(seed: edge.selfTestSeed)
        generator.fill(input)
        var firstDifference: Int?
        run { step, bytes in
            let op = steps[step].upperBound - 1
            if firstDifference == nil, XXH64.hash(UnsafeRawBufferPointer(bytes)) != edge.selfTestHash(op) {
                firstDifference = op
            }
        }
        if let firstDifference { throw .selfTestFailed(op: firstDifference) }
        for channel in output.indices where output[channel] != edge.selfTestOutput(channel) {
            throw .selfTestOutputDiffers(channel: channel)
        }
    }
}

/// Asks a session to stop: the run under way, or else the next one, ends before its next step.
public final class Cancellation: @unchecked Sendable {  // the flag is only touched atomically
    private let flag: UnsafeMutablePointer<Int32>

    init() {
        flag = .allocate(capacity: 1)
        flag.initialize(to: 0)
    }

    deinit { flag.deallocate() }

    /// From any thread, and from a signal handler.
    public func cancel() { tk_flag_raise(flag) }

    /// Whether it was asked; once.
    func take() -> Bool { tk_flag_take(flag) != 0 }
}

/// A session's own threads; none where the caller is the only one.
private struct ThreadPool: ~Copyable {
    let pool: OpaquePointer?

    init(threads: Int) throws(ModelError) {
        pool = threads > 1 ? tk_pool_create(Int32(threads)) : nil
        if threads > 1 && pool == nil { throw .noThreads }
    }

    deinit { tk_pool_destroy(pool) }
}
