// FastBackend: the same operations by vector kernels and oneDNN on several threads. For one number of threads results
// repeat bit for bit on one machine; with `.reproducible` arithmetic those of inference do on every machine. Where an operation has no fast version, the plain one serves (FastBackend+Plain.swift).

import CTensorKernels

package final class FastBackend: Backend, @unchecked Sendable {
    package let threads: Int
    package let vectors: VectorInstructions
    package let arithmetic: Arithmetic
    /// Its memory is this backend's.
    let plain: PlainBackend
    /// Threads, scratch memory, oneDNN's primitives; takes one operation at a time, from any thread.
    let engine: OpaquePointer
    private let pool = StoragePool()

    package enum Arithmetic: Sendable {
        /// Sums in the order that is fastest here: another processor may give other last bits.
        case fastest
        /// Every operation of inference but batch norm gives the same bits on every processor and for every number of
        /// threads. Convolutions and linear layers run on the calling thread, about as fast as oneDNN on one thread.
        case reproducible
    }

    /// - Parameters:
    ///   - threads: At least 1; the calling thread is one of them.
    ///   - vectors: For tests; the machine must have them.
    package init(threads: Int, vectors: VectorInstructions = .best, arithmetic: Arithmetic = .fastest) {
        precondition(threads > 0 && threads <= 1024, "\(threads) threads")
        self.threads = threads
        self.vectors = vectors
        self.arithmetic = arithmetic
        engine = tensor_engine_create(Int32(threads))
        let forced = tensor_engine_force_isa(engine, vectors.code)
        precondition(forced, "this machine has no \(vectors)")
        plain = PlainBackend(allocate: { [pool] in pool.makeStorage(count: $0) })
    }

    deinit { tensor_engine_destroy(engine) }

    package func makeStorage(count: Int) -> any TensorStorage { pool.makeStorage(count: count) }

    func makeHostStorage(count: Int) -> HostStorage { pool.makeStorage(count: count) }
}
