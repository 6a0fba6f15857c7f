// The objective of learned rounding as a quadratic form, and how it is made least over integers.
//
// A layer should give on the quantized network's inputs x̂ what the float layer gave on its own: z. Over sampled places
// of the calibration photos, with the bias free (it takes up every mean, so all moments are about the mean), the error
// of one output channel with integer weights q of step s and float weights w is
//     E(z − ŵ·x̂ − b̂)² = eᵀHe − 2 g·e + constant,   e = q·s − w,   H = cov(x̂),   g = cov(z − w·x̂, x̂),
// the local objective of AdaRound (Nagel et al. 2020, arXiv 2004.10568, section 3.2) with asymmetric reconstruction
// (section 3.4), whose gradient with respect to every weight is known exactly. AdaRound relaxes it to a sigmoid and
// descends with Adam; here it stays a problem in integers: a start by error feedback in the order of Cholesky's factor
// (GPTQ, Frantar et al. 2022, arXiv 2210.17323; in lattices, Babai's nearest plane), then single weights are moved to
// their best integer until no move helps. The sample is finite, so a ridge λ·diag(H)·|e|² holds weights near w where
// the photos say little.
//
// Left out: activations after the layer, other layers' errors, moves of several weights at once.

import Foundation
import Tensors

/// What sampling knows of a layer: integers of the quantized network in, values of the float network out.
package struct LayerSamples: Sendable {
    /// Places sampled.
    package var count: Int
    /// Values a place that a weight can read: KH·KW·I of a dense layer, KH·KW·C of a depthwise one.
    package var width: Int
    /// count × width, KH KW I: the quantized input, padding in it.
    package var inputs: [UInt8]
    /// count × O: float outputs before any clamp.
    package var targets: [Float]

    package init(count: Int, width: Int, inputs: [UInt8], targets: [Float]) {
        self.count = count
        self.width = width
        self.inputs = inputs
        self.targets = targets
    }

    package var outputs: Int { targets.count / max(count, 1) }
}

/// H and g of rows that share their inputs: all rows of a dense layer, one of a depthwise layer.
package struct QuadraticForm: Sendable {
    /// K: weights a row.
    package let size: Int
    package let rows: Int
    /// K × K, without the ridge.
    package private(set) var covariance: [Float]
    /// rows × K: g.
    package private(set) var cross: [Float]
    /// rows × K, times the input's step: float weights per step of the input.
    package let weights: [Float]
    /// K, rows: means of x̂ in steps about its zeros, and of z.
    package let inputMeans: [Double]
    package let targetMeans: [Double]

    /// - Parameters:
    ///   - inputs: K × P, of x̂ − zero in steps; centred in place.
    ///   - targets: rows × P; centred in place.
    ///   - weights: rows × K, per step of the input.
    /// - Cost: P·K·(K + rows)·2 operations, K² + rows·K floats.
    package init(inputs: Samples, targets: Samples, weights: [Float], threads: Int) {
        size = inputs.rows
        rows = targets.rows
        self.weights = weights
        inputMeans = inputs.centre()
        targetMeans = targets.centre()
        let share = 1 / Float(inputs.columns)
        covariance = inputs.products(with: inputs, scale: share, symmetric: true, threads: threads)
        cross = targets.products(with: inputs, scale: share, symmetric: false, threads: threads)
        // cov(z − W x̂, x̂) = cov(z, x̂) − W·H
        let size = size
        let own = Samples(rows: rows, columns: size, values: weights)
        let form = Samples(rows: size, columns: size, values: covariance)
        let explained = own.products(with: form, scale: 1, symmetric: false, threads: threads)
        for index in cross.indices { cross[index] -= explained[index] }
    }

    /// eᵀHe − 2 g·e of one row: its error less a constant. In plain loops: the definition for tests and figures.
    package func error(ofRow row: Int, _ e: [Double]) -> Double {
        var sum = 0.0
        for i in 0..<size {
            var product = 0.0
            for j in 0..<size { product += Double(covariance[i * size + j]) * e[j] }
            sum += e[i] * (product - 2 * Double(cross[row * size + i]))
        }
        return sum
    }

    /// Every entry of the diagonal grows by `share` of itself and by `floor` of the diagonal's mean. The floor is for
    /// inputs that are quiet on the calibration photos: others may wake them.
    package mutating func addRidge(_ share: Double, floor: Double) {
        var trace = 0.0
        for i in 0..<size { trace += Double(covariance[i * size + i]) }
        let least = max(floor * trace / Double(max(size, 1)), 1e-12)
        for i in 0..<size {
            covariance[i * size + i] = Float(Double(covariance[i * size + i]) * (1 + share) + least)
        }
    }
}

/// rows × columns floats that tensors can look at without a copy.
package final class Samples: @unchecked Sendable {  // written by one owner before it is shared
    let rows: Int
    let columns: Int
    let storage: HostStorage

    package init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        storage = HostStorage(count: rows * columns)
    }

    package convenience init(rows: Int, columns: Int, values: [Float]) {
        self.init(rows: rows, columns: columns)
        values.withUnsafeBufferPointer { storage.write(from: $0) }
    }

    func row(_ index: Int) -> UnsafeMutablePointer<Float> { storage.pointer + index * columns }

    /// Takes each row's mean out of it; gives the means.
    func centre() -> [Double] {
        (0..<rows).map { index in
            let values = row(index)
            var sum = 0.0
            for column in 0..<columns { sum += Double(values[column]) }
            let mean = sum / Double(max(columns, 1))
            for column in 0..<columns { values[column] -= Float(mean) }
            return mean
        }
    }

    private func tensor(_ first: Int, _ count: Int) -> Tensor {
        Tensor(
            shape: [count, columns],
            storage: HostStorage(count: count * columns, pointer: row(first), release: { [self] _ in _ = self }))
    }

    /// rows × other.rows: scale · self · otherᵀ, in blocks that do not depend on the number of threads.
    /// - Parameter symmetric: `other` is `self`: the half is computed.
    func products(with other: Samples, scale: Float, symmetric: Bool, threads: Int) -> [Float] {
        let width = other.rows
        // Too little to call an engine for.
        if rows * width <= 4096 {
            var result = [Float](repeating: 0, count: rows * width)
            for i in 0..<rows {
                for j in 0..<width { result[i * width + j] = scale * dotProduct(row(i), other.row(j), columns) }
            }
            return result
        }
        let block = 128
        let starts = Array(stride(from: 0, to: rows, by: block))
        let parts = Parallel.map(count: starts.count, threads: threads) { [self] index -> [Float] in
            let first = starts[index]
            let from = symmetric ? first : 0
            let count = min(block, rows - first)
            // As a convolution of one row of pixels; an engine of its own, since calls on one wait for one another.
            return FastBackend(threads: 1, arithmetic: .reproducible).convolution(
                tensor(first, count).reshaped([1, 1, count, columns]),
                weight: other.tensor(from, width - from).reshaped([width - from, 1, 1, columns]), bias: nil,
                window: Window(kernel: 1), groups: 1
            ).array()
        }
        var result = [Float](repeating: 0, count: rows * width)
        for (first, part) in zip(starts, parts) {
            let from = symmetric ? first : 0
            for row in 0..<min(block, rows - first) {
                for column in from..<width {
                    result[(first + row) * width + column] = part[row * (width - from) + column - from] * scale
                }
            }
        }
        if symmetric {
            for row in 0..<rows { for column in 0..<row { result[row * width + column] = result[column * width + row] } }
        }
        return result
    }
}

/// Integers that make a quadratic form small, a row at a time.
package struct IntegerDescent: Sendable {
    private let form: QuadraticForm
    /// Upper triangle R with H = RᵀR, in `order`; nil where H is not positive definite in floats.
    private let factor: [Float]?
    /// Weights that vary most are decided first: they come last in R.
    private let order: [Int]

    package init(_ form: QuadraticForm) {
        self.form = form
        let size = form.size
        order = (0..<size).sorted {
            (form.covariance[$0 * size + $0], $0) < (form.covariance[$1 * size + $1], $1)
        }
        factor = Self.cholesky(form.covariance, order: order)
    }

    /// One row.
    /// - Parameters:
    ///   - step: of a weight, times the input's step.
    ///   - start: nearest integers.
    /// - Returns: K integers in −127…127, in no single move better, and eᵀHe − 2 g·e of them (the ridge in H).
    /// - Cost: about 3 K² operations.
    package func solve(row: Int, step: Float) -> (values: [Int8], error: Double) {
        let nearest = descend(row, step, from: self.nearest(row, step))
        guard let fed = fedBack(row, step) else { return nearest }
        let better = descend(row, step, from: fed)
        return better.error < nearest.error ? better : nearest
    }

    package func nearest(_ row: Int, _ step: Float) -> [Float] {
        let size = form.size
        return (0..<size).map { Self.clamped(form.weights[row * size + $0] / step) }
    }

    private static func clamped(_ value: Float) -> Float {
        min(max(value.rounded(.toNearestOrEven), -Float(WeightQuantization.largest)), Float(WeightQuantization.largest))
    }

    /// Moves single weights to their best integer, in order, until none moves.
    package func descend(_ row: Int, _ step: Float, from start: [Float]) -> (values: [Int8], error: Double) {
        let size = form.size
        var values = start
        // v = He − g: half the gradient.
        var gradient = [Float](repeating: 0, count: size)
        let e = (0..<size).map { values[$0] * step - form.weights[row * size + $0] }
        var error = 0.0
        form.covariance.withUnsafeBufferPointer { h in
            gradient.withUnsafeMutableBufferPointer { v in
                e.withUnsafeBufferPointer { e in
                    for i in 0..<size {
                        let g = form.cross[row * size + i]
                        let product = dotProduct(h.baseAddress! + i * size, e.baseAddress!, size)
                        v[i] = product - g
                        error += Double(e[i]) * Double(product - 2 * g)
                    }
                }
                values.withUnsafeMutableBufferPointer { q in
                    // Each move lowers the error by more than rounding errors, so this ends; the bound is for safety.
                    for _ in 0..<64 {
                        var moved = false
                        for i in 0..<size {
                            let curvature = h[i * size + i] * step
                            guard abs(v[i]) > 0.50001 * curvature else { continue }
                            let move = Self.clamped(q[i] - v[i] / curvature) - q[i]
                            guard move != 0 else { continue }
                            q[i] += move
                            moved = true
                            let change = move * step
                            error += Double(change) * Double(change * h[i * size + i] + 2 * v[i])
                            addScaled(h.baseAddress! + i * size, change, to: v.baseAddress!, size)
                        }
                        if !moved { break }
                    }
                }
            }
        }
        return (values.map { Int8($0) }, error)
    }

    /// Rounding in the order of R's rows from the last up, each weight making good what those before it left over.
    package func fedBack(_ row: Int, _ step: Float) -> [Float]? {
        guard let factor else { return nil }
        let size = form.size
        var y = order.map { form.cross[row * size + $0] }
        var e = [Float](repeating: 0, count: size)
        var values = [Float](repeating: 0, count: size)
        factor.withUnsafeBufferPointer { r in
            y.withUnsafeMutableBufferPointer { y in
                e.withUnsafeMutableBufferPointer { e in
                    // Rᵀy = g
                    for i in 0..<size {
                        y[i] /= r[i * size + i]
                        addScaled(r.baseAddress! + i * size + i + 1, -y[i], to: y.baseAddress! + i + 1, size - i - 1)
                    }
                    for i in (0..<size).reversed() {
                        let known = dotProduct(
                            r.baseAddress! + i * size + i + 1, e.baseAddress! + i + 1, size - i - 1)
                        let weight = form.weights[row * size + order[i]]
                        let wanted = weight + (y[i] - known) / r[i * size + i]
                        let q = Self.clamped(wanted / step)
                        values[order[i]] = q
                        e[i] = q * step - weight
                    }
                }
            }
        }
        return values
    }

    /// - Returns: nil where a pivot is not positive.
    /// - Cost: K³/3 operations.
    private static func cholesky(_ matrix: [Float], order: [Int]) -> [Float]? {
        let size = order.count
        var result = [Float](repeating: 0, count: size * size)
        for i in 0..<size { for j in i..<size { result[i * size + j] = matrix[order[i] * size + order[j]] } }
        return result.withUnsafeMutableBufferPointer { r -> Bool in
            for k in 0..<size {
                let pivot = r[k * size + k]
                guard pivot > 0, pivot.isFinite else { return false }
                let root = pivot.squareRoot()
                for j in k..<size { r[k * size + j] /= root }
                for i in (k + 1)..<max(size, k + 1) {
                    addScaled(r.baseAddress! + k * size + i, -r[k * size + i], to: r.baseAddress! + i * size + i, size - i)
                }
            }
            return true
        } ? result : nil
    }
}

/// y += a·x
@inline(__always)
private func addScaled(_ x: UnsafePointer<Float>, _ a: Float, to y: UnsafeMutablePointer<Float>, _ count: Int) {
    for i in 0..<count { y[i] += a * x[i] }
}

/// Σ x·y in sixteen sums, always in the same order.
@inline(__always)
func dotProduct(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int) -> Float {
    var sums = SIMD16<Float>(repeating: 0)
    var i = 0
    while i + 16 <= count {
        let a = UnsafeRawPointer(x + i).loadUnaligned(as: SIMD16<Float>.self)
        let b = UnsafeRawPointer(y + i).loadUnaligned(as: SIMD16<Float>.self)
        sums += a * b
        i += 16
    }
    var sum = sums.sum()
    while i < count {
        sum += x[i] * y[i]
        i += 1
    }
    return sum
}
