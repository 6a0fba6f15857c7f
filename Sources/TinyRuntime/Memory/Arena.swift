// Arena: the one block of memory that a session runs in: activations at the offsets that the file gives, then the kernels' scratch, once
// a thread. Owned or the caller's.

import CTinyKernels

struct Arena: ~Copyable {
    /// Starts at a multiple of 64.
    let activations: UnsafeMutablePointer<UInt8>
    let scratch: UnsafeMutableRawPointer
    /// From one thread's scratch to the next one's: a multiple of 64.
    let scratchStride: Int
    private let owned: UnsafeMutableRawPointer?

    /// Bytes that `model` needs with `kernels` on 1…64 `threads`: a multiple of 64.
    static func bytes(for model: EdgeModel, kernels: KernelTable, threads: Int) throws(ModelError) -> Int {
        let (activations, scratch) = (roundedUp(model.arenaBytes), try scratchBytes(for: model, kernels: kernels))
        let (all, overflow) = scratch.multipliedReportingOverflow(by: threads)
        guard !overflow, all <= Int(ModelLayout.Limit.arenaBytes), activations <= Int.max - all else {
            throw .limitExceeded(offset: UInt64(ModelLayout.Header.arenaBytes))
        }
        return activations + all
    }

    /// One thread's.
    private static func scratchBytes(for model: EdgeModel, kernels: KernelTable) throws(ModelError) -> Int {
        var scratch = 0
        for op in model.prepared { scratch = max(scratch, op.scratchBytes(kernels)) }
        guard scratch >= 0, scratch <= Int(ModelLayout.Limit.arenaBytes) else {
            throw .limitExceeded(offset: UInt64(ModelLayout.Header.arenaBytes))
        }
        return roundedUp(scratch)
    }

    /// - Parameter memory: nil: allocated here and freed with the arena.
    init(
        for model: EdgeModel, kernels: KernelTable, threads: Int, memory: UnsafeMutableRawBufferPointer?
    ) throws(ModelError) {
        let needed = try Self.bytes(for: model, kernels: kernels, threads: threads)
        let stride = try Self.scratchBytes(for: model, kernels: kernels)
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
        scratch = start + Self.roundedUp(model.arenaBytes)
        scratchStride = stride
    }

    deinit { tk_free(owned) }

    private static func roundedUp(_ bytes: Int) -> Int {
        (bytes + ModelLayout.alignment - 1) / ModelLayout.alignment * ModelLayout.alignment
    }
}
