// Factors and summands in a row (a batch norm in pieces, Sub and Div of a normalization) become one, and one that does
// nothing goes. A step that something else reads too stays.

extension ReaderGraph {
    mutating func mergeAffines() {
        let makers = makers
        let readers = readers
        var sources: [Int: Int] = [:]  // what a removed step made → what it read
        for index in steps.indices {
            steps[index].inputs = steps[index].inputs.map { sources[$0] ?? $0 }
            guard case .affine(var scale, var shift) = steps[index].op else { continue }
            let input = steps[index].inputs[0]
            if let maker = makers[input], case .affine(let innerScale, let innerShift) = steps[maker].op,
                readers[input].count == 1, input != output
            {
                // scale · (innerScale · x + innerShift) + shift
                shift = Self.zip(Self.zip(scale, innerShift, *), shift, +)
                scale = Self.zip(scale, innerScale, *)
                steps[index].op = .affine(scale: scale, shift: shift)
                steps[index].inputs = steps[maker].inputs
            }
            if scale.allSatisfy({ $0 == 1 }), shift.allSatisfy({ $0 == 0 }) {
                sources[steps[index].output] = steps[index].inputs[0]
            }
        }
        output = sources[output] ?? output
        removeUnused()
    }

    /// One number goes with each of the other's.
    private static func zip(_ a: [Double], _ b: [Double], _ combine: (Double, Double) -> Double) -> [Double] {
        (0..<max(a.count, b.count)).map { combine(a[a.count == 1 ? 0 : $0], b[b.count == 1 ? 0 : $0]) }
    }
}
