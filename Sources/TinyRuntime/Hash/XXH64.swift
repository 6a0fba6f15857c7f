// XXH64: the 64-bit hash of xxHash (tk_hash.h). It finds damage, not malice. Streaming, so that a file can be hashed with a few of its bytes
// replaced.

import CTinyKernels

public struct XXH64: Sendable {
    private var state = tk_xxh64()

    public init(seed: UInt64 = 0) { tk_xxh64_begin(&state, seed) }

    /// The hash of `bytes` at once.
    public static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
        var hash = XXH64(seed: seed)
        hash.update(bytes)
        return hash.digest()
    }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        if let base = bytes.baseAddress { tk_xxh64_update(&state, base, bytes.count) }
    }

    /// The hash of everything given so far; more may follow.
    public func digest() -> UInt64 { withUnsafePointer(to: state) { tk_xxh64_digest($0) } }
}
