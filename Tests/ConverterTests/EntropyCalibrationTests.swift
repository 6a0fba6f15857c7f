// The range by divergence against the definition: P and Q bin by bin, every threshold.

import Converter
import Foundation
import Testing
import TinyRuntime

struct EntropyCalibrationTests {
    /// The bell of a sum of uniforms, and a few values far out.
    private func values(oneSided: Bool, seed: UInt64) -> [Float] {
        var random = SplitMix64(seed: seed)
        return (0..<30000).map { index in
            let bell = (0..<6).reduce(Float(0)) { sum, _ in sum + Float.random(in: -1...1, using: &random) }
            let value = index % 3000 == 0 ? bell * 9 : bell
            return oneSided ? max(value, 0) : value
        }
    }

    /// Σ P·log(P/Q) over fine bins, by the paper's words; nil where Q is zero under a value, or there are fewer bins
    /// than levels.
    private func divergence(_ bins: [Int: Int], _ low: Int, _ high: Int) -> Double? {
        let count = high - low
        guard count >= 256 else { return nil }
        var p: [Int: Double] = [:]
        for (bin, number) in bins { p[min(max(bin, low), high - 1), default: 0] += Double(number) }
        var levels = [[Int]](repeating: [], count: 256)
        for level in 0..<256 {
            levels[level] = (low + level * count / 256..<low + (level + 1) * count / 256).filter { bins[$0] != nil }
        }
        let total = Double(bins.values.reduce(0, +))
        let inside = Double(bins.filter { (low..<high).contains($0.key) }.values.reduce(0, +))
        var q: [Int: Double] = [:]
        for level in levels {
            let mass = level.reduce(0.0) { $0 + Double(bins[$1] ?? 0) }
            for bin in level { q[bin] = mass / Double(level.count) / inside }
        }
        var sum = 0.0
        for (bin, number) in p {
            guard let q = q[bin] else { return nil }
            sum += number / total * log(number / total / q)
        }
        return sum
    }

    @Test(arguments: [true, false], [UInt64(3), 4])
    func leastDivergenceOfAllThresholds(_ oneSided: Bool, _ seed: UInt64) throws {
        let values = values(oneSided: oneSided, seed: seed)
        var histogram = EdgeHistogram()
        histogram.add(values)
        let range = RangeSelection.range(of: histogram, by: .kullbackLeibler)

        var bins: [Int: Int] = [:]
        for value in values where value != 0 { bins[Int((Double(value) / histogram.width).rounded(.down)), default: 0] += 1 }
        let least = try #require(bins.keys.min())
        let most = try #require(bins.keys.max()) + 1
        var best = Double.infinity
        for threshold in stride(from: 128, through: 2048, by: 1) {
            let found = divergence(bins, min(max(-threshold, least), 0), max(min(threshold, most), 0))
            best = min(best, found ?? .infinity)
        }
        let chosen = try #require(
            divergence(
                bins, Int((range.low / histogram.width).rounded(.down)), Int((range.high / histogram.width).rounded(.up))))
        #expect(abs(chosen - best) <= 1e-9, "seed \(seed): \(chosen) at \(range), best \(best)")
        #expect(oneSided ? range.low == 0 : range.low < -2)
    }

    @Test func fewBinsAreKeptWhole() {
        var histogram = EdgeHistogram()
        histogram.add([0, 0, 1, 2, 2.5])
        let range = RangeSelection.range(of: histogram, by: .kullbackLeibler)
        #expect(range.low == 0 && range.high > 0 && range.high <= 2.5)
    }
}
