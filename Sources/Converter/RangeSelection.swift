// RangeSelection: from an edge's histogram to the range that its 256 steps shall cover. A wide range rounds coarsely, a
// narrow one clips; `meanSquaredError` weighs one against the other. Zero is always inside, so that padding and ReLU's
// zeros are exact.

package enum RangeMethod: Sendable, Equatable {
    case minMax
    /// Clips this share of the values (half of it at each end where both signs occur), for example 0.0001.
    case percentile(Double)
    /// The range with the least expected squared error: Δ²/12 for each value inside, the squared distance for each
    /// outside.
    case meanSquaredError
    /// The range that keeps most of the distribution: see EntropyCalibration.
    case kullbackLeibler
}

extension RangeMethod {
    /// What `tiny convert --ranges` offers and `--tune` tries.
    package static let offered: [RangeMethod] = [.meanSquaredError, .minMax, .percentile(0.0001), .kullbackLeibler]
}

extension RangeMethod: CustomStringConvertible {
    /// As `tiny convert --ranges` calls it.
    package var description: String {
        switch self {
        case .minMax: "min-max"
        case .percentile: "percentile"
        case .meanSquaredError: "mse"
        case .kullbackLeibler: "kl"
        }
    }
}

package struct ActivationRange: Sendable, Equatable {
    /// At most 0.
    package var low: Double
    /// At least 0.
    package var high: Double

    package init(low: Double, high: Double) {
        self.low = min(low, 0)
        self.high = max(high, 0)
    }
}

package enum RangeSelection {
    /// - Parameter function: what alone will be computed of the values (a table's function): the error that counts is then its result's.
    ///   Where a sigmoid is flat, for instance, clipping costs nothing.
    package static func range(
        of histogram: EdgeHistogram, by method: RangeMethod, before function: ((Double) -> Double)? = nil
    ) -> ActivationRange {
        guard !histogram.isEmpty else { return ActivationRange(low: 0, high: 0) }
        let full = ActivationRange(low: Double(histogram.minimum), high: Double(histogram.maximum))
        guard histogram.width > 0 else { return full }
        switch method {
        case .minMax: return full
        case .percentile(let share): return percentile(histogram, clipping: share, within: full)
        case .kullbackLeibler: return EntropyCalibration.range(of: histogram, within: full)
        case .meanSquaredError: return leastError(histogram, within: full, function: function ?? { $0 })
        }
    }

    private static func percentile(
        _ histogram: EdgeHistogram, clipping share: Double, within full: ActivationRange
    ) -> ActivationRange {
        let total = histogram.counts.reduce(histogram.zeros, +)
        let allowed = Int(Double(total) * share / (full.low < 0 && full.high > 0 ? 2 : 1))
        func bound(_ indices: some Sequence<Int>, edge: Int) -> Double {
            var clipped = 0
            for index in indices {
                clipped += histogram.counts[index]
                if clipped > allowed { return Double(index - EdgeHistogram.half + edge) * histogram.width }
            }
            return 0
        }
        let low = bound(histogram.counts.indices.lazy.map { $0 }, edge: 0)
        let high = bound(histogram.counts.indices.reversed(), edge: 1)
        return ActivationRange(low: max(low, full.low), high: min(high, full.high))
    }

    /// Ends tried on each side: the full end times 1/steps, 2/steps, … 1.
    private static let steps = 128

    private static func leastError(
        _ histogram: EdgeHistogram, within full: ActivationRange, function: @escaping (Double) -> Double
    ) -> ActivationRange {
        let sums = ErrorSums(histogram, function)
        var best = full
        var bestError = Double.infinity
        // From the full range inwards: of equal errors the wider range wins.
        for lowStep in (full.low < 0 ? Array((1...steps).reversed()) : [0]) {
            let low = full.low * Double(lowStep) / Double(steps)
            for highStep in (full.high > 0 ? Array((1...steps).reversed()) : [0]) {
                let high = full.high * Double(highStep) / Double(steps)
                let error = sums.error(low: low, high: high)
                if error < bestError {
                    bestError = error
                    best = ActivationRange(low: low, high: high)
                }
            }
        }
        return best
    }

    /// Running sums over the bins, so that the error of any range takes a few subtractions.
    private struct ErrorSums {
        let width: Double
        let function: (Double) -> Double
        /// Of all bins before an index: Σn, Σn·f, Σn·f², Σn·f′².
        var count: [Double] = [0]
        var value: [Double] = [0]
        var square: [Double] = [0]
        var slope: [Double] = [0]

        init(_ histogram: EdgeHistogram, _ function: @escaping (Double) -> Double) {
            width = histogram.width
            self.function = function
            for (index, number) in histogram.counts.enumerated() {
                let n = Double(number)
                let x = (Double(index - EdgeHistogram.half) + 0.5) * width
                let f = n == 0 ? 0 : function(x)
                let derivative = n == 0 ? 0 : (function(x + width / 2) - function(x - width / 2)) / width
                count.append(count[index] + n)
                value.append(value[index] + n * f)
                square.append(square[index] + n * f * f)
                slope.append(slope[index] + n * derivative * derivative)
            }
        }

        func error(low: Double, high: Double) -> Double {
            let step = (high - low) / 255
            let first = index(low)
            let end = max(index(high), first)
            let inside = (slope[end] - slope[first]) * step * step / 12
            return inside + clipped(0, first, to: function(low)) + clipped(end, count.count - 1, to: function(high))
        }

        /// Σ n·(f − bound)² over bins from ..< to.
        private func clipped(_ from: Int, _ to: Int, to bound: Double) -> Double {
            guard to > from else { return 0 }
            let n = count[to] - count[from]
            let v = value[to] - value[from]
            let s = square[to] - square[from]
            return max(s - 2 * bound * v + bound * bound * n, 0)
        }

        /// The bin border nearest to x.
        private func index(_ x: Double) -> Int {
            min(max(Int((x / width).rounded()) + EdgeHistogram.half, 0), count.count - 1)
        }
    }
}
