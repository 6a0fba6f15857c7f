// Exponential: e^x for x ≤ 0 in additions and multiplications of Double only, so that every processor and every libc gives the same bits.
//
// x = k·ln 2 + r with |r| ≤ ln 2 / 2; e^r by its Taylor polynomial of degree 13, whose remainder is below 5e-18 there; 2^k is put into
// the exponent. ln 2 is split in two, so that k·(upper part) is exact. The relative error stays below 1e-15, far finer than the Float
// that a probability ends up as. Neither Swift nor the runtime's flags fuse a multiplication with an addition.

enum Exponential {
    private static let log2e = 1.442695040888963407
    private static let ln2High = 0x1.62e42fefa38p-1  // 42 bits: times an integer of 11 bits it is exact
    private static let ln2Low = 0x1.ef35793c7673p-45
    /// 1/13! … 1/0!
    private static let coefficients: InlineArray<14, Double> = [
        1 / 6_227_020_800, 1 / 479_001_600, 1 / 39_916_800, 1 / 3_628_800, 1 / 362_880, 1 / 40_320, 1 / 5_040, 1 / 720,
        1 / 120, 1 / 24, 1 / 6, 1 / 2, 1, 1,
    ]

    /// - Parameter x: ≤ 0. Below −708 the result is 0: nothing that small is left in a Float.
    static func ofNonPositive(_ x: Double) -> Double {
        guard x > -708 else { return 0 }
        let k = Int(x * log2e - 0.5)  // toward zero: the nearest integer, as x ≤ 0
        let r = (x - Double(k) * ln2High) - Double(k) * ln2Low
        var sum = 0.0
        for index in 0..<14 { sum = sum * r + coefficients[index] }
        return sum * Double(bitPattern: UInt64(1023 + k) << 52)
    }
}
