// PlainBackend: what each operation computes, in loops as one would write them on paper. It is the definition that the
// fast backend is held to, and what runs where nothing faster exists. Sums are taken in Double, so that its own
// rounding is far below anyone else's. Each operation stands in a file of its own (Convolution.swift, BatchNorm.swift,
// …), the plain version first.

package final class PlainBackend: Backend {
    private let allocate: @Sendable (Int) -> HostStorage

    package init() { allocate = { HostStorage(count: $0) } }

    /// With another owner's memory: the fast backend's, where an operation has no fast version.
    init(allocate: @escaping @Sendable (Int) -> HostStorage) { self.allocate = allocate }

    package func makeStorage(count: Int) -> any TensorStorage { allocate(count) }
}
