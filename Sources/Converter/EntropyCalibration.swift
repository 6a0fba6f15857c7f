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
    /// Thresholds are tried in steps of so many bins, from where each level has a bin of its own.
    static let step = 8

    /// - Complexity: O(bins² / step).
    static func range(of histogram: EdgeHistogram, within full: ActivationRange) -> ActivationRange {
        var best = full
        var least = Double.infinity
        // From the widest inwards: of equal divergences the wider range wins.
        for threshold in stride(from: EdgeHistogram.half, through: levels / 2, by: -step) {
            let (low, high) = bins(of: histogram, within: full, threshold: threshold)
            guard high - low >= levels else { break }
            let divergence = divergence(histogram.counts, low..<high)
            if divergence < least {
                least = divergence
                best = ActivationRange(
                    low: max(Double(low - EdgeHistogram.half) * histogram.width, full.low),
                    high: min(Double(high - EdgeHistogram.half) * histogram.width, full.high))
            }
        }
        return best
    }

    /// The bins between the threshold and its negative in which values occur, zero always inside.
    private static func bins(
        of histogram: EdgeHistogram, within full: ActivationRange, threshold: Int
    ) -> (low: Int, high: Int) {
        let half = EdgeHistogram.half
        let least = Int((full.low / histogram.width).rounded(.down))
        let most = Int((full.high / histogram.width).rounded(.down)) + 1
        return (half + max(-threshold, least), half + (full.high > 0 ? min(threshold, most) : 0))
    }

    /// Of the whole histogram from what 256 levels over `range` of its bins keep of it; infinite where a level keeps nothing of a value.
    static func divergence(_ counts: [Int], _ range: Range<Int>) -> Double {
        var clipped = counts[range].map(Double.init)
        let below = Double(counts[..<range.lowerBound].reduce(0, +))
        let above = Double(counts[range.upperBound...].reduce(0, +))
        let inside = clipped.reduce(0, +)
        let total = inside + below + above
        guard inside > 0 else { return .infinity }
        // Q is made of what lies inside, P has the outliers in its ends.
        let kept = clipped
        clipped[0] += below
        clipped[clipped.count - 1] += above
        var sum = 0.0
        for level in 0..<levels {
            let bins = (level * kept.count / levels)..<((level + 1) * kept.count / levels)
            var mass = 0.0
            var occupied = 0.0
            for bin in bins where kept[bin] > 0 {
                mass += kept[bin]
                occupied += 1
            }
            for bin in bins where clipped[bin] > 0 {
                guard kept[bin] > 0 else { return .infinity }
                let p = clipped[bin] / total
                let q = mass / occupied / inside
                sum += p * log(p / q)
            }
        }
        return sum
    }
}
