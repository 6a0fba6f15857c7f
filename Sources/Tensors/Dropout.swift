// Dropout's mask: 0 with probability `rate`, else 1/(1 − rate), so that the mean stays. Value i comes from the i-th
// number of SplitMix64 started at `seed`: it depends on nothing else, so threads, backends and runs agree.

extension PlainBackend {
    package func dropoutMask(shape: [Int], rate: Float, seed: UInt64) -> Tensor {
        precondition(rate >= 0 && rate < 1, "dropout rate \(rate) is not in 0 ..< 1")
        let result = makeTensor(shape: shape)
        let mask = result.host
        let kept = 1 / (1 - rate)
        for index in 0..<result.count {
            // Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014.
            var z = seed &+ (UInt64(index) &+ 1) &* 0x9E37_79B9_7F4A_7C15
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            z ^= z >> 31
            mask[index] = Float(z >> 40) * 0x1p-24 < rate ? 0 : kept
        }
        return result
    }
}
