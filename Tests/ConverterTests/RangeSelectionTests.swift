// The chosen range against trying ranges on the values themselves, with real rounding instead of expected rounding.

import Converter
import Foundation
import Testing
import TinyRuntime

struct RangeSelectionTests {
    private func histogram(_ values: [Float]) -> EdgeHistogram {
        var histogram = EdgeHistogram()
        histogram.add(values)
        return histogram
    }

    /// Sum of uniforms, and a few values far out.
    private func heavyTailed(_ count: Int, seed: UInt64, oneSided: Bool) -> [Float] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { index in
            let bell = (0..<6).reduce(Float(0)) { sum, _ in sum + Float.random(in: -1...1, using: &random) }
            let value = index % 5000 == 0 ? bell * 2 : bell
            return oneSided ? max(value, 0) : value
        }
    }

    private func squaredError(_ values: [Float], _ range: ActivationRange, _ f: (Double) -> Double = { $0 }) -> Double {
        let affine = AffineScale(covering: range)
        return values.reduce(0) { sum, value in
            let difference = f(Double(value)) - f(affine.dequantize(affine.quantize(Double(value))))
            return sum + difference * difference
        }
    }

    @Test(arguments: [true, false])
    func leastErrorIsNearTheBestOfAllTried(_ oneSided: Bool) {
        let values = heavyTailed(40000, seed: 5, oneSided: oneSided)
        let chosen = RangeSelection.range(of: histogram(values), by: .meanSquaredError)
        let full = RangeSelection.range(of: histogram(values), by: .minMax)
        var best = Double.infinity
        for step in 1...60 {
            let high = full.high * Double(step) / 60
            for lowStep in oneSided ? [0] : [step - 6, step - 3, step, step + 3, step + 6] where lowStep >= 0 {
                best = min(
                    best, squaredError(values, ActivationRange(low: full.low * Double(lowStep) / 60, high: high)))
            }
        }
        let error = squaredError(values, chosen)
        #expect(error <= 1.05 * best, "chosen \(chosen), error \(error), best tried \(best)")
        #expect(error <= squaredError(values, full))
    }

    @Test func uniformValuesAreNotClipped() {
        var random = SplitMix64(seed: 8)
        let values = (0..<50000).map { _ in Float.random(in: -3...5, using: &random) }
        let range = RangeSelection.range(of: histogram(values), by: .meanSquaredError)
        #expect(range.high > 4.9 && range.low < -2.9)
    }

    @Test func percentileClipsItsShare() {
        var random = SplitMix64(seed: 9)
        let values = (0..<100_000).map { _ in Float.random(in: 0...1, using: &random) }
        let range = RangeSelection.range(of: histogram(values), by: .percentile(0.1))
        #expect(range.low == 0)
        let share = Double(values.count { Double($0) > range.high }) / Double(values.count)
        #expect(abs(share - 0.1) < 0.002, "clipped \(share)")
    }

    @Test func beforeASigmoidTheFlatEndsAreClipped() {
        var random = SplitMix64(seed: 10)
        let values = (0..<50000).map { _ in Float.random(in: -60...60, using: &random) }
        let sigmoid: (Double) -> Double = { 1 / (1 + exp(-$0)) }
        let plain = RangeSelection.range(of: histogram(values), by: .meanSquaredError)
        let aware = RangeSelection.range(of: histogram(values), by: .meanSquaredError, before: sigmoid)
        #expect(aware.high < 15 && aware.low > -15)
        #expect(squaredError(values, aware, sigmoid) < 0.3 * squaredError(values, plain, sigmoid))
    }

    @Test func zeroIsAlwaysInside() {
        for values in [[Float](repeating: 3, count: 10), [-2, -1.5], [0, 0]] {
            for method in [RangeMethod.minMax, .meanSquaredError, .percentile(0.01)] {
                let range = RangeSelection.range(of: histogram(values), by: method)
                #expect(range.low <= 0 && range.high >= 0)
                let affine = AffineScale(covering: range)
                #expect(affine.dequantize(affine.quantize(0)) == 0)
                #expect(affine.scale > 0 && affine.scale.isFinite)
            }
        }
        #expect(AffineScale(covering: RangeSelection.range(of: EdgeHistogram(), by: .meanSquaredError)).scale == 1)
    }
}
