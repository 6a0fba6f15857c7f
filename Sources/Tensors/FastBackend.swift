// FastBackend: the same operations by vector kernels and oneDNN on several threads. For one number of threads results repeat bit for bit.
// Where an operation has no fast version, the plain one serves (see `FastBackend+Plain.swift`).

package final class FastBackend: Backend {
    package let threads: Int
    let plain: PlainBackend

    /// - Parameter threads: at least 1; the calling thread is one of them.
    package init(threads: Int) {
        precondition(threads > 0, "\(threads) threads")
        self.threads = threads
        plain = PlainBackend()
    }

    package func makeStorage(count: Int) -> any TensorStorage { plain.makeStorage(count: count) }
}
