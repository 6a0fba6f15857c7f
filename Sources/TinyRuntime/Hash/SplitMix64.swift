// SplitMix64: the generator of the self-test's input (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014). A file
// names a seed instead of carrying a photo.

public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    /// Each byte is the top byte of the next output.
    public mutating func fill(_ bytes: UnsafeMutableBufferPointer<UInt8>) {
        for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: next() >> 56) }
    }
}
