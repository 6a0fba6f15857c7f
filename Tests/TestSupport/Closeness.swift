// Closeness: the one float comparison of the tests: |a − b| ≤ absolute + relative·|b|. The reason for a tolerance stands where it is used.

package struct Mismatch: CustomStringConvertible {
    package var index: Int
    package var actual: Float
    package var expected: Float
    package var count: Int
    package var description: String { "\(count) values differ, the worst at \(index): \(actual), expected \(expected)" }
}

/// nil where all values agree; NaN never agrees.
package func mismatch(_ actual: [Float], _ expected: [Float], absolute: Float, relative: Float) -> Mismatch? {
    guard actual.count == expected.count else {
        return Mismatch(index: -1, actual: Float(actual.count), expected: Float(expected.count), count: -1)
    }
    var worst: Mismatch?
    var worstExcess: Float = 0
    var count = 0
    for index in actual.indices {
        let difference = abs(actual[index] - expected[index])
        let limit = absolute + relative * abs(expected[index])
        if difference <= limit { continue }
        count += 1
        let excess = difference.isNaN ? .infinity : difference / limit
        if excess >= worstExcess {
            worstExcess = excess
            worst = Mismatch(index: index, actual: actual[index], expected: expected[index], count: 0)
        }
    }
    worst?.count = count
    return worst
}
