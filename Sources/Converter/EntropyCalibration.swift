// EntropyCalibration: the range that keeps most of an edge's distribution, `--ranges kl` (Migacz, "8-bit Inference with
// TensorRT", GTC 2017, pages 20–28). For each threshold T the values' histogram P, what lies beyond ±T counted in its
// outermost bins, is compared with Q: P's bins joined to as many levels as 8 bits have, and each level spread again
// evenly over those of its bins that are not empty. The threshold of the least divergence Σ P·log(P/Q) is taken.
//
// TensorRT's range is ±T with 128 levels a side. Here it is that part of −T…T in which values occur, with all 256
// levels: 0…T behind a ReLU, and at the short end of a lopsided edge the least value. Zeros are left out of P: they are
// exact whatever the scale, and behind a ReLU would hide everything else.

import Foundation

enum EntropyCalibration {
    static let levels = 256

    /// Every threshold is tried, a bin at a time, from where each level has a bin of its own.
    /// - Complexity: O(bins · levels).
    static func range(of histogram: EdgeHistogram, within full: ActivationRange) -> ActivationRange {
        let sums = Sums(histogram.counts)
        var best = full
        var least = Double.infinity
        // From the widest inwards: of equal divergences the wider range wins.
        for threshold in stride(from: EdgeHistogram.half, through: levels / 2, by: -1) {
            let bins = bins(of: histogram, within: full, threshold: threshold)
            guard bins.count >= levels else { break }
            let divergence = sums.divergence(bins)
            if divergence < least {
                least = divergence
                best = ActivationRange(
                    low: max(Double(bins.lowerBound - EdgeHistogram.half) * histogram.width, full.low),
                    high: min(Double(bins.upperBound - EdgeHistogram.half) * histogram.width, full.high))
            }
        }
        return best
    }

    /// The bins between the threshold and its negative in which values occur, zero always inside.
    private static func bins(
        of histogram: EdgeHistogram, within full: ActivationRange, threshold: Int
    ) -> Range<Int> {
        let half = EdgeHistogram.half
        let least = Int((full.low / histogram.width).rounded(.down))
        let most = full.high > 0 ? Int((full.high / histogram.width).rounded(.down)) + 1 : 0
        return (half + max(-threshold, least))..<(half + min(threshold, most))
    }

    /// Running sums over the bins, so that a level takes a few subtractions:
    /// Σ P·log(P/Q) = (Σ c·log c − N·log N − Σ over levels of (Σ c) · log Q) / N, c being P's counts, N their sum.
    private struct Sums {
        let counts: [Int]
        /// Of all bins before an index: Σn, how many are not empty, Σ n·log n.
        var mass: [Double] = [0]
        var occupied: [Int] = [0]
        var logarithms: [Double] = [0]

        init(_ counts: [Int]) {
            self.counts = counts
            for (index, count) in counts.enumerated() {
                mass.append(mass[index] + Double(count))
                occupied.append(occupied[index] + (count > 0 ? 1 : 0))
                logarithms.append(logarithms[index] + xlogx(Double(count)))
            }
        }

        /// Of the whole histogram from what 256 levels over `bins` keep of it; infinite where an outermost bin, empty
        /// itself, stands for what lies beyond.
        func divergence(_ bins: Range<Int>) -> Double {
            let (first, last) = (bins.lowerBound, bins.upperBound - 1)
            let total = mass[counts.count]
            let inside = mass[bins.upperBound] - mass[first]
            let (below, above) = (mass[first], total - mass[bins.upperBound])
            guard inside > 0, below == 0 || counts[first] > 0, above == 0 || counts[last] > 0 else { return .infinity }
            var sum = logarithms[bins.upperBound] - logarithms[first] - xlogx(total)
            for (bin, beyond) in [(first, below), (last, above)] {
                sum += xlogx(Double(counts[bin]) + beyond) - xlogx(Double(counts[bin]))
            }
            for level in 0..<levels {
                let start = first + level * bins.count / levels
                let end = first + (level + 1) * bins.count / levels
                let kept = mass[end] - mass[start]
                guard kept > 0 else { continue }
                let outliers = (level == 0 ? below : 0) + (level == levels - 1 ? above : 0)
                sum -= (kept + outliers) * log(kept / Double(occupied[end] - occupied[start]) / inside)
            }
            return sum / total
        }

        private func xlogx(_ x: Double) -> Double { x > 0 ? x * log(x) : 0 }
    }
}
