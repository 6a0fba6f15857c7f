// Durations: how long each of several runs took, and the usual questions about them.

public struct Durations: Sendable {
    /// Nanoseconds, ascending.
    private let sorted: [UInt64]

    /// - Parameter nanoseconds: at least one, in any order.
    public init(_ nanoseconds: [UInt64]) {
        sorted = Self.sort(nanoseconds)
    }

    /// Shell's sort, gaps in thirds: the standard library's, made for this alone, would be twenty times the code.
    private static func sort(_ values: [UInt64]) -> [UInt64] {
        var sorted = values
        var gap = 1
        while gap < sorted.count / 3 { gap = 3 * gap + 1 }
        while gap > 0 {
            for index in stride(from: gap, to: sorted.count, by: 1) {
                let value = sorted[index]
                var place = index
                while place >= gap, sorted[place - gap] > value {
                    sorted[place] = sorted[place - gap]
                    place -= gap
                }
                sorted[place] = value
            }
            gap /= 3
        }
        return sorted
    }

    public var count: Int { sorted.count }

    /// Milliseconds within which this percentage of the runs ended, 0 … 100: the nearest rank. 0: the fastest run.
    public func milliseconds(percent: Int) -> Double {
        let rank = (percent * sorted.count + 99) / 100
        return Double(sorted[max(rank - 1, 0)]) / 1e6
    }

    public var meanMilliseconds: Double {
        var sum = 0.0
        for nanoseconds in sorted { sum += Double(nanoseconds) }
        return sum / Double(sorted.count) / 1e6
    }
}
