// Model: a validated model that keeps its bytes alive. Read-only and shared: any number of sessions on any number of threads may use one.

import CTinyKernels

public final class Model: Sendable {
    public let edge: EdgeModel
    private let release: @Sendable () -> Void

    /// Uses `bytes` in place, for instance a mapped file.
    ///
    /// - Parameters:
    ///   - bytes: the file, starting at a multiple of 64 (a mapping does); must stay as it is until `release` runs.
    ///   - release: called once, when the last session of the model is gone. Not called if this initializer throws.
    public init(mapping bytes: UnsafeRawBufferPointer, release: @escaping @Sendable () -> Void) throws(ModelError) {
        edge = try EdgeModel(validating: bytes)
        self.release = release
    }

    /// Takes a copy of `bytes`, which may start anywhere.
    ///
    /// - Throws: what is wrong with the file, or `.outOfMemory`.
    public convenience init(copying bytes: UnsafeRawBufferPointer) throws(ModelError) {
        // Before memory is taken for it.
        guard bytes.count >= ModelLayout.Header.bytes else { throw .tooShort(bytes: UInt64(bytes.count)) }
        guard UInt64(bytes.count) <= ModelLayout.Limit.fileBytes else {
            throw .limitExceeded(offset: UInt64(ModelLayout.Header.fileBytes))
        }
        guard let copy = tk_allocate(bytes.count) else { throw .outOfMemory(bytes: bytes.count) }
        UnsafeMutableRawBufferPointer(start: copy, count: bytes.count).copyMemory(from: bytes)
        let address = UInt(bitPattern: copy)
        do {
            try self.init(mapping: UnsafeRawBufferPointer(start: copy, count: bytes.count)) {
                tk_free(UnsafeMutableRawPointer(bitPattern: address))
            }
        } catch {
            tk_free(copy)
            throw error
        }
    }

    deinit { release() }
}
