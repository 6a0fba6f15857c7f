// Hard sigmoid and hard swish in pieces, as exporters without (or before) these operators write them:
//   clip(x + 3, 0, 6) / 6, or with · 1/6, or clip(x/6 + 1/2, 0, 1)            → hardSigmoid
//   x · hardSigmoid(x), x · clip(x + 3, 0, 6) / 6, (x / 6) · clip(x + 3, 0, 6) → hardSwish (slope 1/6, offset 1/2)
// clip may be ReLU6, or Min and Max. Steps whose result something else reads too stay for that reader.

extension ReaderGraph {
    mutating func joinHardFunctions() {
        joinHardSigmoids()
        joinHardSwishes()
        removeUnused()
    }

    /// clip(scale · x + shift, 0, high) of a step.
    private struct Ramp {
        var input: Int
        var scale: Double
        var shift: Double
        var high: Double
    }

    /// As seen from the clip's input, and from what up to three factors and summands before made that of.
    private func ramps(_ edge: Int, _ makers: [Int: Int]) -> [Ramp] {
        guard let maker = makers[edge], case .graph(.clip(let low, let high)) = steps[maker].op, low == 0,
            high > 0, high < .greatestFiniteMagnitude
        else { return [] }
        var result = [Ramp(input: steps[maker].inputs[0], scale: 1, shift: 0, high: Double(high))]
        while result.count < 4, let last = result.last, let inner = uniform(last.input, makers), inner.scale > 0 {
            result.append(
                Ramp(
                    input: inner.input, scale: last.scale * inner.scale, shift: last.scale * inner.shift + last.shift,
                    high: last.high))
        }
        return result
    }

    /// scale · x + shift with the same numbers for all channels.
    private func uniform(_ edge: Int, _ makers: [Int: Int]) -> (input: Int, scale: Double, shift: Double)? {
        guard let maker = makers[edge], case .affine(let scale, let shift) = steps[maker].op, scale.count == 1,
            shift.count == 1
        else { return nil }
        return (steps[maker].inputs[0], scale[0], shift[0])
    }

    private mutating func joinHardSigmoids() {
        let makers = makers
        for index in steps.indices {
            let edge = steps[index].output
            var scale = 1.0
            var found = ramps(edge, makers).filter { $0.high == 1 }
            if let outer = uniform(edge, makers), outer.shift == 0 {
                scale = outer.scale
                found = ramps(outer.input, makers).filter { isClose(scale * $0.high, 1) }
            }
            // Hard swish's if it is that at any distance, since its x is then known; else the nearest that is one.
            guard
                let ramp = found.first(where: { isSwish($0, scale: scale) })
                    ?? found.first(where: { scale != 1 || $0.scale != 1 || $0.shift != 0 })
            else { continue }
            become(
                index, .hardSigmoid(alpha: Float(ramp.scale * scale), beta: Float(ramp.shift * scale)), [ramp.input])
        }
    }

    private func isSwish(_ ramp: Ramp, scale: Double) -> Bool {
        isClose(scale * ramp.high, 1) && isClose(scale * ramp.scale, 1 / 6) && isClose(scale * ramp.shift, 0.5)
    }

    private mutating func joinHardSwishes() {
        let makers = makers
        /// The two inputs of a product, either way round.
        func factors(_ edge: Int) -> [(Int, Int)] {
            guard let maker = makers[edge], case .graph(.multiply) = steps[maker].op else { return [] }
            let inputs = steps[maker].inputs
            return [(inputs[0], inputs[1]), (inputs[1], inputs[0])]
        }
        func isSwish(of x: Int, _ y: Int, scale: Double) -> Bool {
            ramps(y, makers).contains { $0.input == x && self.isSwish($0, scale: scale) }
        }
        for index in steps.indices {
            let edge = steps[index].output
            for (x, y) in factors(edge) {
                if let maker = makers[y], case .graph(.hardSigmoid(let alpha, let beta)) = steps[maker].op,
                    steps[maker].inputs[0] == x, isClose(Double(alpha), 1 / 6), isClose(Double(beta), 0.5)
                {
                    become(index, .hardSwish, [x])
                } else if let early = uniform(x, makers), early.shift == 0,
                    isSwish(of: early.input, y, scale: early.scale)
                {
                    become(index, .hardSwish, [early.input])
                }
            }
            if let late = uniform(edge, makers), late.shift == 0 {
                for (x, y) in factors(late.input) where isSwish(of: x, y, scale: late.scale) {
                    become(index, .hardSwish, [x])
                }
            }
        }
    }

    private mutating func become(_ index: Int, _ op: GraphOp, _ inputs: [Int]) {
        steps[index].op = .graph(op)
        steps[index].inputs = inputs
    }

    /// 1/6 is written with few digits sometimes: 1e-5 is a tenth of what the float yardstick allows.
    private func isClose(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-5 * abs(b) }
}
