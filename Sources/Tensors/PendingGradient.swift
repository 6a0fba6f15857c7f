// PendingGradient: the gradient of a batch norm's input, not computed until somebody reads it. A convolution's
// backward, which nearly always comes next, computes it piece by piece in the cache and the whole of it never goes to
// memory: of some eleven passes over a wide tensor going back, this saves four. Everybody else gets the whole. What it
// reads (x, the output's gradient) must not be changed in place meanwhile; shift and coefficients, which the optimizer
// changes, are copied.

import CTensorKernels
import Synchronization

final class PendingGradient: TensorStorage, @unchecked Sendable {
    let count: Int
    private let backend: FastBackend
    private let x: Tensor
    private let outputGradient: Tensor
    private let activation: Activation
    /// a, k, c, mean, shift: `channels` each.
    private let coefficients: HostStorage
    private let channels: Int
    private let computed = Mutex<HostStorage?>(nil)

    var a: UnsafeMutablePointer<Float> { coefficients.pointer }
    var k: UnsafeMutablePointer<Float> { coefficients.pointer + channels }
    var c: UnsafeMutablePointer<Float> { coefficients.pointer + 2 * channels }

    /// The maker fills a, k and c.
    init(
        backend: FastBackend, x: Tensor, outputGradient: Tensor, statistics: BatchStatistics, shift: Tensor,
        activation: Activation
    ) {
        count = x.count
        channels = shift.count
        self.backend = backend
        self.x = x
        self.outputGradient = outputGradient
        self.activation = activation
        coefficients = backend.makeHostStorage(count: 5 * shift.count)
        (coefficients.pointer + 3 * channels).update(from: statistics.mean.host, count: channels)
        (coefficients.pointer + 4 * channels).update(from: shift.host, count: channels)
    }

    /// For a kernel that computes it in pieces; nil once it has been computed. Valid while this object lives.
    var kernelArguments: tensor_pending_gradient? {
        computed.withLock { $0 == nil } ? arguments : nil
    }

    private var arguments: tensor_pending_gradient {
        let base = coefficients.pointer
        return tensor_pending_gradient(
            channels: channels, x: x.host, dy: outputGradient.host, a: base, mean: base + 3 * channels,
            shift: base + 4 * channels, k: base + channels, c: base + 2 * channels, activation: activation.kernel)
    }

    /// All of it.
    func storage() -> HostStorage {
        computed.withLock { computed in
            if let computed { return computed }
            let storage = backend.makeHostStorage(count: count)
            var arguments = arguments
            tensor_pending_gradient_compute(backend.engine, count / channels, &arguments, storage.pointer)
            computed = storage
            return storage
        }
    }

    func read(into destination: UnsafeMutableBufferPointer<Float>) { storage().read(into: destination) }
    func write(from source: UnsafeBufferPointer<Float>) { storage().write(from: source) }
}
