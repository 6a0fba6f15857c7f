// Tensor: a shape and a backend's storage, Float32, row-major. Images are N H W C, features N C, convolution weights O KH KW I.
// Left out: views, strides, other element types, and arithmetic, which belongs to a `Backend`.

/// Memory that a backend owns. Only that backend knows where it lies; everything else reads and writes it through copies.
package protocol TensorStorage: AnyObject, Sendable {
    var count: Int { get }
    func read(into destination: UnsafeMutableBufferPointer<Float>)
    func write(from source: UnsafeBufferPointer<Float>)
}

package struct Tensor: Sendable {
    /// Sizes of the axes, slowest first; a scalar has none.
    package let shape: [Int]
    package let storage: any TensorStorage

    package var count: Int { storage.count }

    package init(shape: [Int], storage: any TensorStorage) {
        precondition(
            shape.reduce(1, *) == storage.count, "shape \(shape) does not hold the storage's \(storage.count) values")
        self.shape = shape
        self.storage = storage
    }

    /// The same values under another shape of equal count; no copy.
    package func reshaped(_ shape: [Int]) -> Tensor { Tensor(shape: shape, storage: storage) }

    /// A copy of the values on the host.
    package func array() -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            storage.read(into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            initialized = count
        }
    }
}

extension Tensor {
    /// Where the values lie. The caller keeps the tensor alive while it uses the pointer.
    var host: UnsafeMutablePointer<Float> {
        if let pending = storage as? PendingGradient { return pending.storage().pointer }
        guard let storage = storage as? HostStorage else {
            preconditionFailure("a tensor of shape \(shape) lies on another device: \(type(of: storage))")
        }
        return storage.pointer
    }
}

/// Values in the host's memory, 64-byte aligned: the storage of every CPU backend.
package final class HostStorage: TensorStorage, @unchecked Sendable {
    package let count: Int
    package let pointer: UnsafeMutablePointer<Float>
    private let release: @Sendable (UnsafeMutablePointer<Float>) -> Void

    package init(count: Int) {
        self.count = count
        let raw = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * MemoryLayout<Float>.stride, alignment: 64)
        pointer = raw.bindMemory(to: Float.self, capacity: max(count, 1))
        release = { UnsafeMutableRawPointer($0).deallocate() }
    }

    /// Memory from elsewhere (a backend's pool): 64-byte aligned, `count` values, handed to `release` at the end.
    package init(
        count: Int, pointer: UnsafeMutablePointer<Float>,
        release: @escaping @Sendable (UnsafeMutablePointer<Float>) -> Void
    ) {
        self.count = count
        self.pointer = pointer
        self.release = release
    }

    deinit { release(pointer) }

    package func read(into destination: UnsafeMutableBufferPointer<Float>) {
        precondition(destination.count == count, "\(destination.count) places for \(count) values")
        destination.baseAddress?.update(from: pointer, count: count)
    }

    package func write(from source: UnsafeBufferPointer<Float>) {
        precondition(source.count == count, "\(source.count) values for \(count) places")
        if let base = source.baseAddress { pointer.update(from: base, count: count) }
    }
}
