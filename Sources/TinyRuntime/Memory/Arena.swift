// Arena: the one block of memory that a session runs in: activations at the offsets that the file gives, then the kernels' scratch.
// Owned or the caller's.

struct Arena: ~Copyable {
    /// Starts at a multiple of 64.
    let activations: UnsafeMutablePointer<UInt8>
    let scratch: UnsafeMutableRawPointer
    private let owned: UnsafeMutableRawPointer?

    /// Bytes that `model` needs with `kernels`: a multiple of 64.
    static func bytes(for model: EdgeModel, kernels: KernelTable) throws(ModelError) -> Int {
        var scratch = 0
        for op in model.prepared { scratch = max(scratch, op.scratchBytes(kernels)) }
        guard scratch >= 0, scratch <= Int(ModelLayout.Limit.arenaBytes) else {
            throw .limitExceeded(offset: UInt64(ModelLayout.Header.arenaBytes))
        }
        return roundedUp(model.arenaBytes) + roundedUp(scratch)
    }

    /// - Parameter memory: nil: allocated here and freed with the arena.
    init(for model: EdgeModel, kernels: KernelTable, memory: UnsafeMutableRawBufferPointer?) throws(ModelError) {
        let needed = try Self.bytes(for: model, kernels: kernels)
        let start: UnsafeMutableRawPointer
        if let memory {
            guard memory.count >= needed, let base = memory.baseAddress else {
                throw .arenaTooSmall(needed: needed, given: memory.count)
            }
            guard UInt(bitPattern: base) % UInt(ModelLayout.alignment) == 0 else { throw .arenaMisaligned }
            start = base
            owned = nil
        } else {
            start = UnsafeMutableRawPointer.allocate(byteCount: needed, alignment: ModelLayout.alignment)
            owned = start
        }
        activations = start.assumingMemoryBound(to: UInt8.self)
        scratch = start + Self.roundedUp(model.arenaBytes)
    }

    deinit { owned?.deallocate() }

    private static func roundedUp(_ bytes: Int) -> Int {
        (bytes + ModelLayout.alignment - 1) / ModelLayout.alignment * ModelLayout.alignment
    }
}
