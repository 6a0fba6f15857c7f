// AdaptiveRounding: weights rounded so that each layer's output is right on typical photos, not so that each weight is
// nearest (AdaRound: Nagel et al. 2020, "Up or Down? Adaptive Rounding for Post-Training Quantization"). Layers are
// taken in the order of execution. For each, the int8 network with everything before it already in its final integers
// runs on the photos with the real kernels; what the layer would read is sampled, and what the float network's layer
// gave at the same places is the target. So a layer also makes good what the layers before it have lost, as far as its
// weights can, and its bias takes up the mean of the rest: this replaces the bias's correction of nearest rounding.
// How the integers are found is AdaptiveRounding+Form.swift; how places are sampled, AdaptiveRounding+Sampling.swift.
//
// Left out: ranges of activations (RangeSelection), layers of more than `largestKernel` weights an output channel,
// whose quadratic form would not fit in memory: these stay at nearest.

import Foundation
import ModelGraph
import Tensors

package enum Rounding: String, Sendable, Codable, CaseIterable {
    /// Each weight to its nearest step.
    case nearest
    /// By the layers' outputs on the calibration photos.
    case adaptive
}

package enum AdaptiveRounding {
    /// Weights an output channel of a dense layer: H and its factor then take 2 · 4 · K² = 302 MB.
    package static let largestKernel = 6144
    /// A layer's ridge is K / (independent samples) of H's diagonal: the share of what the samples say that is chance. The
    /// places of a photo resemble each other, and so do photos: this many samples count as one.
    static let samplesPerFact = 30.0
    /// And so many times the diagonal's mean: for inputs that other photos wake. Both by measurement: docs/conversion.md.
    static let ridgeFloor = 3.0

    /// - Parameters:
    ///   - graph: with weights at nearest.
    ///   - layer: the float layer of an op of `graph`.
    ///   - images: the calibration photos; as many are used as fit `Sampling.photoBytes`.
    /// - Returns: `graph` with other weights and biases; scales of activations are as they were.
    /// - Throws: `ConversionError` as calibration and the runtime do.
    /// - Cost: for each layer with weights one int8 run of the network up to it on each photo; the float network a few
    ///   times; about 3·O·K² operations a layer. Memory: `Sampling`'s limits, and 8·K² bytes.
    package static func round(
        _ graph: QuantizedGraph, layer: @Sendable (QuantizedGraph.Op) throws -> WeightedLayer,
        calibrated: CalibratedGraph, on images: [LabelledImage], from photos: PhotoSource, progress: (String) -> Void
    ) throws -> QuantizedGraph {
        var graph = graph
        let weighted = graph.ops.indices.filter { graph.ops[$0].kind.weights != nil }
        let sampling = try Sampling(calibrated, on: images, from: photos, progress: progress)
        let groups = sampling.groups(of: weighted, in: graph)
        let total = groups.reduce(0) { $0 + $1.count }
        var done = 0
        for group in groups {
            let targets = try sampling.targets(of: group, in: graph)
            for (plan, target) in zip(group, targets) {
                done += 1
                let op = graph.ops[plan.op]
                guard plan.kernel <= largestKernel else {
                    progress("rounding: '\(op.name)' stays at nearest: \(plan.kernel) weights an output channel")
                    continue
                }
                let samples = LayerSamples(
                    count: plan.places * sampling.photoCount, width: plan.width,
                    inputs: try sampling.inputs(of: plan, in: graph), targets: target)
                let found = try weights(of: try layer(op), samples: samples, threads: photos.threads)
                graph.ops[plan.op].kind = op.kind.with(found)
                progress("rounding: \(done) of \(total) layers")
            }
        }
        return graph
    }

    /// One layer.
    /// - Throws: `ConversionError.badNode` where nearest rounding would throw it.
    package static func weights(of layer: WeightedLayer, samples: LayerSamples, threads: Int) throws -> QuantizedWeights {
        let ridge = samplesPerFact * Double(layer.kernel) / Double(max(samples.count, 1))
        let ofGroup = layer.shape.outputs / layer.groups
        @Sendable func prepared(_ group: Int, threads: Int) -> (QuadraticForm, IntegerDescent) {
            var form = samples.form(of: layer, group: group, threads: threads)
            form.addRidge(ridge, floor: ridgeFloor)
            return (form, IntegerDescent(form))
        }
        // Many small groups side by side, or the rows of the only one.
        let rows: [Row]
        if layer.groups > 1 {
            rows = Parallel.map(count: layer.groups, threads: threads) { group in
                let (form, descent) = prepared(group, threads: 1)
                return (0..<ofGroup).map { Row(descent, form, row: $0, output: group * ofGroup + $0, layer) }
            }.flatMap { $0 }
        } else {
            let (form, descent) = prepared(0, threads: threads)
            rows = Parallel.map(count: ofGroup, threads: threads) { Row(descent, form, row: $0, output: $0, layer) }
        }
        var result = QuantizedWeights(empty: layer)
        for row in rows {
            try WeightQuantization.append(row.values, scale: row.scale, bias: row.bias, of: layer, to: &result)
        }
        return result
    }

    /// An output channel as found.
    private struct Row: Sendable {
        var values: [Int8]
        var scale: Float
        /// Real: the mean that is left over is in it.
        var bias: Double

        init(_ descent: IntegerDescent, _ form: QuadraticForm, row: Int, output: Int, _ layer: WeightedLayer) {
            scale = WeightQuantization.scale(of: output, in: layer)
            let step = Double(scale) * layer.input.scale
            values = descent.solve(row: row, step: Float(step)).values
            bias = form.targetMeans[row]
            for (index, q) in values.enumerated() { bias -= Double(q) * step * form.inputMeans[index] }
        }
    }
}

extension LayerSamples {
    /// The objective as it is defined, place by place: the mean of (z − ŵ·x̂ − b̂)² of one output channel, b̂ at its best.
    /// Slow; what the form must equal, up to a constant.
    /// - Parameters:
    ///   - values: integers of the channel's weights.
    ///   - scale: of one step of them.
    package func outputError(of values: [Double], scale: Double, output: Int, in layer: WeightedLayer) -> Double {
        let residuals = (0..<count).map { place -> Double in
            var sum = 0.0
            for (k, value) in values.enumerated() {
                let index = layer.place(of: k, output: output)
                let zero = layer.input.zeros[layer.channel(of: k, output: output)]
                sum += value * scale * (Double(inputs[place * width + index]) - zero) * layer.input.scale
            }
            return Double(targets[place * layer.shape.outputs + output]) - sum
        }
        let mean = residuals.reduce(0, +) / Double(count)
        return residuals.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
    }

    /// Of a group's output channels; a dense layer has one group, a depthwise one as many as channels.
    package func form(of layer: WeightedLayer, group: Int = 0, threads: Int) -> QuadraticForm {
        let kernel = layer.kernel
        let rows = layer.shape.outputs / layer.groups
        let first = group * rows
        let x = Samples(rows: kernel, columns: count)
        let z = Samples(rows: rows, columns: count)
        for k in 0..<kernel {
            let zero = Float(layer.input.zeros[layer.channel(of: k, output: first)])
            let row = x.row(k)
            var index = layer.place(of: k, output: first)
            for place in 0..<count {
                row[place] = Float(inputs[index]) - zero
                index += width
            }
        }
        for o in 0..<rows {
            let row = z.row(o)
            for place in 0..<count { row[place] = targets[place * layer.shape.outputs + first + o] }
        }
        let weights = layer.weights[(first * kernel)..<((first + rows) * kernel)]
        return QuadraticForm(
            inputs: x, targets: z, weights: weights.map { Float($0 * layer.input.scale) }, threads: threads)
    }
}

extension QuantizedGraph.Kind {
    /// The same op with other weights.
    func with(_ weights: QuantizedWeights) -> QuantizedGraph.Kind {
        switch self {
        case .convolution(_, let window, let padPixel): .convolution(weights, window, padPixel: padPixel)
        case .depthwise(_, let window): .depthwise(weights, window)
        case .groupedConvolution(_, let window, let groups): .groupedConvolution(weights, window, groups: groups)
        case .fullyConnected: .fullyConnected(weights)
        default: self
        }
    }
}
