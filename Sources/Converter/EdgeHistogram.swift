// EdgeHistogram: how one edge's values are distributed, kept so that the result does not depend on the order in which
// photos come: counts are integers, and the bins are those of a fixed grid of width 2ᵉ. When a value does not fit, e
// grows by one and neighbouring bins join, which gives the same counts as if the wider bins had been there from the
// start.

package struct EdgeHistogram: Sendable, Equatable {
    /// Bins on each side of zero: bin i holds [i·width, (i+1)·width), i in −half ..< half.
    package static let half = 2048

    package private(set) var minimum: Float = .infinity
    package private(set) var maximum: Float = -.infinity
    /// Values that are exactly zero: they have no rounding error whatever the scale, and are in no bin.
    package private(set) var zeros = 0
    /// Of bin i at index i + half; empty until a value that is not zero came.
    package private(set) var counts: [Int] = []
    package private(set) var exponent = Int.min
    /// A value was infinite or not a number; the rest means nothing then.
    package private(set) var hasNonFinite = false

    package init() {}

    package var width: Double { exponent == Int.min ? 0 : power(exponent) }
    package var isEmpty: Bool { minimum > maximum }

    package mutating func add(_ values: UnsafeBufferPointer<Float>) {
        var low = minimum
        var high = maximum
        for value in values {
            // Written so that not-a-number fails it.
            guard value >= -.greatestFiniteMagnitude && value <= .greatestFiniteMagnitude else {
                hasNonFinite = true
                return
            }
            if value < low { low = value }
            if value > high { high = value }
        }
        guard low <= high else { return }
        minimum = low
        maximum = high
        let magnitude = max(abs(low), abs(high))
        guard magnitude > 0 else {
            zeros += values.count
            return
        }
        grow(to: Self.exponent(for: magnitude))
        // A power of two: the product is exact, so the bin is the exact floor.
        let inverse = 1 / power(exponent)
        var zeroCount = 0
        counts.withUnsafeMutableBufferPointer { bins in
            for value in values {
                if value == 0 {
                    zeroCount += 1
                } else {
                    bins[Int((Double(value) * inverse).rounded(.down)) + Self.half] += 1
                }
            }
        }
        zeros += zeroCount
    }

    package mutating func add(_ values: [Float]) { values.withUnsafeBufferPointer { add($0) } }

    package mutating func merge(_ other: EdgeHistogram) {
        hasNonFinite = hasNonFinite || other.hasNonFinite
        minimum = min(minimum, other.minimum)
        maximum = max(maximum, other.maximum)
        zeros += other.zeros
        guard other.exponent != Int.min else { return }
        var other = other
        grow(to: other.exponent)
        other.grow(to: exponent)
        for index in counts.indices { counts[index] += other.counts[index] }
    }

    /// The smallest e for which ±magnitude lies inside half bins of width 2ᵉ.
    private static func exponent(for magnitude: Float) -> Int {
        // magnitude < 2^(k+1), and half = 2^11 bins of 2^(k+1−11) hold it.
        Int(magnitude.exponent) + 1 - half.trailingZeroBitCount
    }

    private mutating func grow(to wanted: Int) {
        if counts.isEmpty {
            counts = [Int](repeating: 0, count: 2 * Self.half)
            exponent = wanted
            return
        }
        while exponent < wanted {
            var joined = [Int](repeating: 0, count: 2 * Self.half)
            for index in counts.indices where counts[index] > 0 {
                // floor(i / 2), also below zero
                joined[((index - Self.half) >> 1) + Self.half] += counts[index]
            }
            counts = joined
            exponent += 1
        }
    }
}

/// 2ᵉ, exact for every exponent a Float can have.
private func power(_ exponent: Int) -> Double { Double(sign: .plus, exponent: exponent, significand: 1) }
