// Session: one model, one arena, one caller at a time: write pixels to `input`, `run()`, read `output`. Nothing is allocated and nothing is
// checked after `init`. Left out: reading photos (ImagePreprocessor, the callers).

import CTinyKernels

public final class Session {
    public let model: Model
    public let instructionSet: InstructionSet
    private let arena: Arena
    private let ops: UnsafeMutableBufferPointer<PreparedOp>
    /// For each op where its output stands, in the arena.
    private let outputs: UnsafeMutableBufferPointer<UnsafeBufferPointer<UInt8>>
    private let context: RunContext
    private let pool: ThreadPool
    let probabilities: ProbabilityTable
    /// Stops the run under way; any thread may hold it.
    public let cancellation = Cancellation()

    public static let threadCounts = 1...Int(tk_pool_max_threads)

    /// Bytes of memory that a session of `model` needs: activations, and the kernels' scratch for each thread.
    ///
    /// - Throws: `.instructionSetUnavailable`, `.threadCount`, `.limitExceeded`.
    public static func arenaBytes(
        for model: Model, instructionSet: InstructionSet = .best, threads: Int = 1
    ) throws(ModelError) -> Int {
        guard let kernels = KernelTable(instructionSet) else { throw .instructionSetUnavailable }
        guard threadCounts.contains(threads) else { throw .threadCount(threads) }
        return try Arena.bytes(for: model.edge, kernels: kernels, threads: threads)
    }

    /// - Parameters:
    ///   - threads: how many compute a run, the caller included. The result is the same for any number. The others belong to the
    ///     session and sleep between runs.
    ///   - arena: at least `arenaBytes(for:instructionSet:threads:)` bytes at a multiple of 64 that outlive the session; nil: allocated.
    /// - Throws: `.instructionSetUnavailable`, `.threadCount`, `.noThreads`, `.arenaTooSmall`, `.arenaMisaligned`, `.outOfMemory`.
    public init(
        model: Model, instructionSet: InstructionSet = .best, threads: Int = 1,
        arena memory: UnsafeMutableRawBufferPointer? = nil
    ) throws(ModelError) {
        guard let kernels = KernelTable(instructionSet) else { throw .instructionSetUnavailable }
        guard Self.threadCounts.contains(threads) else { throw .threadCount(threads) }
        self.model = model
        self.instructionSet = instructionSet
        let edge = model.edge
        arena = try Arena(for: edge, kernels: kernels, threads: threads, memory: memory)
        pool = try ThreadPool(threads: threads)
        context = RunContext(
            arena: arena.activations, scratch: arena.scratch, scratchStride: arena.scratchStride, kernels: kernels,
            pool: pool.pool)
        ops = .allocate(capacity: edge.ops.count)
        outputs = .allocate(capacity: edge.ops.count)
        for index in edge.ops.indices {
            ops.initializeElement(at: index, to: edge.prepared[index])
            let tensor = edge.tensors[edge.ops[index].output]
            outputs.initializeElement(
                at: index, to: UnsafeBufferPointer(start: arena.activations + tensor.arenaOffset, count: tensor.bytes))
        }
        let input = edge.inputTensor
        self.input = UnsafeMutableBufferPointer(start: arena.activations + input.arenaOffset, count: input.bytes)
        let output = edge.outputTensor
        self.output = UnsafeBufferPointer(start: arena.activations + output.arenaOffset, count: output.bytes)
        probabilities = ProbabilityTable(scale: output.quantization.scale, temperature: edge.temperature)
    }

    deinit {
        ops.deallocate()
        outputs.deallocate()
    }

    /// H×W×3 RGB bytes; `run()` may overwrite them.
    public let input: UnsafeMutableBufferPointer<UInt8>
    /// 1×1×C quantized logits of the last run.
    public let output: UnsafeBufferPointer<UInt8>

    /// Cost: the network. Allocates nothing.
    ///
    /// - Returns: false where `cancellation` ended it early: `output` then means nothing.
    @discardableResult
    public func run() -> Bool {
        for op in ops {
            guard !cancellation.take() else { return false }
            op.run(context)
        }
        return true
    }

    /// As `run()`, showing each op's output bytes right after it ran (a later op may reuse their place).
    public func run(afterEachOp: (_ op: Int, _ output: UnsafeBufferPointer<UInt8>) -> Void) {
        for index in ops.indices {
            ops[index].run(context)
            afterEachOp(index, outputs[index])
        }
    }

    /// The real value of output channel `index`, in `0 ..< classCount`.
    public func logit(_ index: Int) -> Float { model.edge.outputTensor.quantization.real(output[index]) }

    /// Runs the network on the stored input and compares every op's bytes with the file's: kernels, compiler and memory give what the
    /// converter saw.
    ///
    /// - Throws: `.selfTestFailed` with the first op that differs, or `.selfTestOutputDiffers`.
    public func selfTest() throws(ModelError) {
        let edge = model.edge
        var generator = SplitMix64(seed: edge.selfTestSeed)
        generator.fill(input)
        var firstDifference: Int?
        run { op, bytes in
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

/// Asks a session to stop: the run under way, or else the next one, ends before its next op.
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
