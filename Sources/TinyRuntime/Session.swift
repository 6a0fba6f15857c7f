// Session: one model, one arena, one thread: write pixels to `input`, `run()`, read `output`. Nothing is allocated and nothing is checked
// after `init`. Left out: reading photos (ImagePreprocessor, the callers) and threads inside one network.

public final class Session {
    public let model: Model
    public let instructionSet: InstructionSet
    private let arena: Arena
    private let ops: UnsafeMutableBufferPointer<PreparedOp>
    /// For each op where its output stands, in the arena.
    private let outputs: UnsafeMutableBufferPointer<UnsafeBufferPointer<UInt8>>
    private let context: RunContext
    let probabilities: ProbabilityTable

    /// Bytes of memory that a session of `model` needs: activations and the kernels' scratch.
    public static func arenaBytes(
        for model: Model, instructionSet: InstructionSet = .best
    ) throws(ModelError) -> Int {
        guard let kernels = KernelTable(instructionSet) else { throw .instructionSetUnavailable }
        return try Arena.bytes(for: model.edge, kernels: kernels)
    }

    /// - Parameter arena: at least `arenaBytes(for:instructionSet:)` bytes at a multiple of 64 that outlive the session; nil: allocated.
    /// - Throws: `.instructionSetUnavailable`, `.arenaTooSmall`, `.arenaMisaligned`.
    public init(
        model: Model, instructionSet: InstructionSet = .best, arena memory: UnsafeMutableRawBufferPointer? = nil
    ) throws(ModelError) {
        guard let kernels = KernelTable(instructionSet) else { throw .instructionSetUnavailable }
        self.model = model
        self.instructionSet = instructionSet
        let edge = model.edge
        arena = try Arena(for: edge, kernels: kernels, memory: memory)
        context = RunContext(arena: arena.activations, scratch: arena.scratch, kernels: kernels)
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
    public func run() {
        for op in ops { op.run(context) }
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
