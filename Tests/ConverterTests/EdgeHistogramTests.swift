// The histogram against counting value by value, and its promise: the order of values changes nothing.

import Converter
import Testing
import TinyRuntime

struct EdgeHistogramTests {
    private func values(_ count: Int, scale: Float, seed: UInt64) -> [Float] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in
            Int.random(in: 0..<5, using: &random) == 0 ? 0 : scale * Float.random(in: -1...1, using: &random)
        }
    }

    @Test(arguments: [Float(1), 0.37, 1e-20, 3e30, 6])
    func countsEqualPlainCounting(_ scale: Float) {
        let values = values(5000, scale: scale, seed: 3)
        var histogram = EdgeHistogram()
        histogram.add(values)
        #expect(histogram.minimum == values.min())
        #expect(histogram.maximum == values.max())
        #expect(histogram.zeros == values.count { $0 == 0 })
        var expected = [Int](repeating: 0, count: 2 * EdgeHistogram.half)
        for value in values where value != 0 {
            expected[Int((Double(value) / histogram.width).rounded(.down)) + EdgeHistogram.half] += 1
        }
        #expect(histogram.counts == expected)
        // The grid is as fine as it can be: the largest magnitude lies in the outer half.
        let magnitude = Double(values.map(abs).max() ?? 0)
        #expect(magnitude >= histogram.width * Double(EdgeHistogram.half) / 2)
        #expect(magnitude < histogram.width * Double(EdgeHistogram.half))
    }

    @Test func orderAndGroupingChangeNothing() {
        let parts = [Float(0.01), 5, 0.3, 80, 1e-4].enumerated().map { values(700, scale: $1, seed: UInt64($0)) }
        var together = EdgeHistogram()
        together.add(parts.flatMap { $0 })
        for order in [[0, 1, 2, 3, 4], [3, 0, 4, 2, 1], [4, 3, 2, 1, 0]] {
            var single = EdgeHistogram()
            var merged = EdgeHistogram()
            for part in order {
                single.add(parts[part])
                var own = EdgeHistogram()
                own.add(parts[part])
                merged.merge(own)
            }
            #expect(single == together)
            #expect(merged == together)
        }
    }

    @Test func emptyAndZeroAndNotFinite() {
        var histogram = EdgeHistogram()
        #expect(histogram.isEmpty)
        histogram.add([0, 0, -0.0])
        #expect(!histogram.isEmpty && histogram.zeros == 3 && histogram.width == 0)
        histogram.merge(EdgeHistogram())
        #expect(histogram.zeros == 3)
        for bad in [Float.nan, .infinity, -.infinity] {
            var histogram = EdgeHistogram()
            histogram.add([1, bad, 2])
            #expect(histogram.hasNonFinite)
            var other = EdgeHistogram()
            other.merge(histogram)
            #expect(other.hasNonFinite)
        }
    }
}
