// FastBackend: the same operations by vector kernels and oneDNN on several threads. For one number of threads results
// repeat bit for bit. Where an operation has no fast version, the plain one serves (FastBackend+Plain.swift).

import CTensorKernels

package final class FastBackend: Backend, @unchecked Sendable {
    package let threads: Int
    package let vectors: VectorInstructions
    /// Its memory is this backend's.
    let plain: PlainBackend
    /// Threads, scratch memory, oneDNN's primitives; takes one operation at a time, from any thread.
    let engine: OpaquePointer
    private let pool = StoragePool()

    /// - Parameters:
    ///   - threads: At least 1; the calling thread is one of them.
    ///   - vectors: For tests; the machine must have them.
    package init(threads: Int, vectors: VectorInstructions = .best) {
        precondition(threads > 0 && threads <= 1024, "\(threads) threads")
        self.threads = threads
        self.vectors = vectors
        engine = tensor_engine_create(Int32(threads))
        let forced = tensor_engine_force_isa(engine, vectors.code)
        precondition(forced, "this machine has no \(vectors)")
        plain = PlainBackend(allocate: { [pool] in pool.makeStorage(count: $0) })
    }

    deinit { tensor_engine_destroy(engine) }

    package func makeStorage(count: Int) -> any TensorStorage { pool.makeStorage(count: count) }

    func makeHostStorage(count: Int) -> HostStorage { pool.makeStorage(count: count) }
}
