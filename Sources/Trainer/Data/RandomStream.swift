// RandomStream: random numbers keyed by what they are for, not by when they are asked for. The stream of (seed, epoch, sample) is the
// same whichever thread draws it, so the number of workers changes nothing.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014), started from a mixed key.
package struct RandomStream: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// - Parameter key: e.g. `[seed, epoch, sample]`. Each word is mixed in turn, so that no two keys of one length share a stream by addition.
    package init(key: [UInt64]) {
        state = 0x9E37_79B9_7F4A_7C15
        for word in key {
            state ^= word
            state = next()
        }
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in 0 ..< 1, 24 bits.
    package mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

    /// Uniform in 0 ..< bound, without bias.
    package mutating func index(below bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}
