// Arena: the one block of memory that a session runs in: activations at the offsets that the file gives, behind them those inside blocks
// where ops run one by one, then what the kernels need for themselves. Owned or the caller's.

import CTinyKernels

struct Arena: ~Copyable {
    /// Starts at a multiple of 64.
    let activations: UnsafeMutablePointer<UInt8>
    let scratch: UnsafeMutableRawPointer
    /// From one thread's scratch to the next one's: a multiple of 64.
    let scratchStride: Int
    private let owned: UnsafeMutableRawPointer?

    /// The sizes of one session's memory, each a multiple of 64.
    private struct Sizes {
        let activations: Int
        /// One thread's, for an op.
        private(set) var scratchStride = 0
        /// All threads', for whatever needs most.
        private(set) var scratch = 0
        var all: Int { activations + scratch }

        init(_ plan: SessionPlan) throws(ModelError) {
            let edge = plan.model.edge
            activations = Arena.roundedUp(edge.arenaBytes) + (plan.runsBlocks ? 0 : edge.interiorBytes)
            for range in plan.steps {
                switch Step(range, of: edge) {
                case .op(let op): scratchStride = max(scratchStride, try Self.checked(op.scratchBytes(plan.kernels)))
                case .block(let block):
                    scratch = max(scratch, try Self.checked(block.memoryBytes(plan.kernels, threads: plan.threads)))
                }
            }
            let (all, overflow) = scratchStride.multipliedReportingOverflow(by: plan.threads)
            scratch = max(scratch, try Self.checked(overflow ? -1 : all))
            guard activations <= Int.max - scratch else { throw Self.tooLarge }
        }

        /// A kernel's size, rounded up to 64.
        private static func checked(_ bytes: Int) throws(ModelError) -> Int {
            guard (0...Int(ModelLayout.Limit.arenaBytes)).contains(bytes) else { throw tooLarge }
            return Arena.roundedUp(bytes)
        }

        private static var tooLarge: ModelError { .limitExceeded(offset: UInt64(ModelLayout.Header.arenaBytes)) }
    }

    /// Bytes that a session needs: a multiple of 64.
    static func bytes(for plan: SessionPlan) throws(ModelError) -> Int { try Sizes(plan).all }

    /// - Parameter memory: nil: allocated here and freed with the arena.
    init(for plan: SessionPlan, memory: UnsafeMutableRawBufferPointer?) throws(ModelError) {
        let sizes = try Sizes(plan)
        let needed = sizes.all
        let start: UnsafeMutableRawPointer
        if let memory {
            guard memory.count >= needed, let base = memory.baseAddress else {
                throw .arenaTooSmall(needed: needed, given: memory.count)
            }
            guard UInt(bitPattern: base) % UInt(ModelLayout.alignment) == 0 else { throw .arenaMisaligned }
            start = base
            owned = nil
        } else {
            guard let block = tk_allocate(needed) else { throw .outOfMemory(bytes: needed) }
            start = block
            owned = block
        }
        activations = start.assumingMemoryBound(to: UInt8.self)
        scratch = start + sizes.activations
        scratchStride = sizes.scratchStride
    }

    deinit { tk_free(owned) }

    private static func roundedUp(_ bytes: Int) -> Int {
        (bytes + ModelLayout.alignment - 1) / ModelLayout.alignment * ModelLayout.alignment
    }
}
