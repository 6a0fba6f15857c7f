// Equalization: one channel of an edge gets all 256 steps to itself only if its values are as large as the edge's
// largest. Where a channel's values are multiplied by s > 0 as they are made and divided by s where they are read, the
// float network stays what it was, so each channel may be brought to the size that costs least precision
// (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", arXiv 1906.04721,
// section 4.1; here the sizes of activations are measured on the calibration photos).
//
// Edges between which only channelwise ops stand that s passes through (ReLU, add, pools) share their s: together they
// are a channel class, made by convolutions and linear layers and read by such. Weights have a scale an output channel,
// so the making side is free; on the reading side a small s makes a column stand out of its rows. With a, the channel's
// largest value as a share of its edge's, and b, the column's largest weight as a share of its row's:
//     s = √(b / a),   or 1 / a where only depthwise convolutions read it, whose weights do not care.
// A clip (ReLU6) allows s only in channels that never reach its ends on the photos, and at most so that they still do
// not, with some headroom; the others keep s = 1. So the float network's answers on these photos stay as they are, up to
// rounding. Left out: classes with the photo, the logits, a concat, a table or a product in them, and weights that two
// nodes share.

import Foundation
import ModelGraph
import Tensors

package enum Equalization {
    /// s is a power of this: a last bit of a float sum on another processor then does not change the result.
    private static let grid = 0.25
    /// Of s: from 2⁻ˡⁱᵐⁱᵗ to 2ˡⁱᵐⁱᵗ. A channel that was quiet on the calibration photos need not be so on others.
    private static let limit = 1.0
    /// How much larger than on the calibration photos a channel may become before a clip changes it.
    private static let headroom = 2.0

    /// - Returns: a network with the same answers on `images`, up to rounding.
    /// - Throws: as `Calibration.calibrate`.
    /// - Cost: one float inference a photo.
    package static func equalize(
        _ fused: FusedGraph, on images: [LabelledImage], from photos: PhotoSource, progress: (String) -> Void
    ) throws -> FusedGraph {
        let classes = ChannelClasses(fused.graph)
        guard !classes.all.isEmpty else { return fused }
        let ranges = try Calibration.channelRanges(
            of: Set(classes.all.flatMap(\.edges)), fused, on: images, from: photos, progress: progress)
        return equalize(fused, ranges)
    }

    /// - Parameter ranges: least and largest value of each channel, by edge.
    package static func equalize(_ fused: FusedGraph, _ ranges: [String: ChannelRanges]) -> FusedGraph {
        var graph = fused.graph
        let quantized = Set(fused.steps.map(\.output))
        for channels in ChannelClasses(graph).all {
            let factors = factors(channels, in: fused.graph, ranges, quantized: quantized)
            guard factors.contains(where: { $0 != 1 }) else { continue }
            for index in channels.makers { graph.scaleRows(of: graph.nodes[index], by: factors) }
            for index in channels.readers { graph.scaleColumns(of: graph.nodes[index], by: factors.map { 1 / $0 }) }
        }
        return fused.replacingWeights(graph.weights)
    }

    private static func factors(
        _ channels: ChannelClass, in graph: FloatGraph, _ ranges: [String: ChannelRanges], quantized: Set<String>
    ) -> [Double] {
        let known = channels.edges.filter(quantized.contains).compactMap { ranges[$0] }
        guard let count = known.first?.maximum.count else { return [] }
        var sizes = [Double](repeating: 0, count: count)
        for range in known {
            let magnitudes = range.magnitudes
            guard let largest = magnitudes.max(), largest > 0 else { continue }
            for index in 0..<count { sizes[index] = max(sizes[index], magnitudes[index] / largest) }
        }
        let columns = graph.columnSizes(of: channels.readers, count: count)
        return (0..<count).map { index in
            guard sizes[index] > 0 else { return 1 }
            let wanted = columns.map { ($0[index] / sizes[index]).squareRoot() } ?? 1 / sizes[index]
            var most = Double.infinity
            for clip in channels.clips {
                guard let range = ranges[clip.input] else { return 1 }
                guard let room = clip.room(low: Double(range.minimum[index]), high: Double(range.maximum[index])) else {
                    return 1
                }
                most = min(most, room)
            }
            let exponent = (log2(wanted) / grid).rounded() * grid
            let room = max((log2(most / headroom) / grid).rounded(.down) * grid, 0)
            return exp2(min(max(min(exponent, room), -limit), limit))
        }
    }
}

/// Least and largest value of each channel of an edge.
package struct ChannelRanges: Sendable, Equatable {
    package var minimum: [Float]
    package var maximum: [Float]

    package init(minimum: [Float], maximum: [Float]) {
        self.minimum = minimum
        self.maximum = maximum
    }

    package var magnitudes: [Double] { zip(minimum, maximum).map { Double(max(-$0, $1)) } }
}

/// Edges whose channels are scaled together.
private struct ChannelClass {
    struct Clip {
        var input: String
        var low: Double
        var high: Double

        /// The largest factor by which values in low…high can be multiplied with the clip changing nothing; nil: the clip
        /// changes something already.
        func room(low least: Double, high most: Double) -> Double? {
            guard most < high, low == 0 || least > low else { return nil }
            var room = most > 0 ? high / most : .infinity
            if low < 0, least < 0 { room = min(room, low / least) }
            return room
        }
    }

    var edges: Set<String> = []
    /// Indices of the nodes that make and read the values; all have weights.
    var makers: [Int] = []
    var readers: [Int] = []
    var clips: [Clip] = []
    var isBlocked = false
}

private struct ChannelClasses {
    private var parent: [String: String] = [:]
    /// In the order of their first edges.
    private(set) var all: [ChannelClass] = []

    init(_ graph: FloatGraph) {
        for edge in [graph.input.name] + graph.nodes.map(\.output) { parent[edge] = edge }
        for node in graph.nodes where node.op.passesFactors {
            for input in node.inputs { join(input, node.output) }
        }
        var classes: [String: ChannelClass] = [:]
        var uses: [String: Int] = [:]
        for weight in graph.nodes.flatMap(\.op.weights) { uses[weight, default: 0] += 1 }
        for edge in parent.keys { classes[root(edge), default: ChannelClass()].edges.insert(edge) }
        classes[root(graph.input.name)]?.isBlocked = true
        classes[root(graph.output)]?.isBlocked = true
        for (index, node) in graph.nodes.enumerated() {
            if node.op.hasWeights {
                classes[root(node.output)]?.makers.append(index)
                classes[root(node.inputs[0])]?.readers.append(index)
                if node.op.weights.contains(where: { uses[$0] != 1 }) {
                    classes[root(node.output)]?.isBlocked = true
                    classes[root(node.inputs[0])]?.isBlocked = true
                }
            } else if !node.op.passesFactors {
                for edge in node.inputs + [node.output] { classes[root(edge)]?.isBlocked = true }
            } else if case .clip(let low, let high) = node.op {
                guard low <= 0, high > 0 else {
                    classes[root(node.output)]?.isBlocked = true
                    continue
                }
                classes[root(node.output)]?.clips.append(
                    .init(input: node.inputs[0], low: Double(low), high: Double(high)))
            }
        }
        var seen: Set<String> = []
        for node in graph.nodes where seen.insert(root(node.output)).inserted {
            if let found = classes[root(node.output)], !found.isBlocked, !found.readers.isEmpty { all.append(found) }
        }
    }

    private func root(_ edge: String) -> String {
        var edge = edge
        while let next = parent[edge], next != edge { edge = next }
        return edge
    }

    private mutating func join(_ a: String, _ b: String) { parent[root(a)] = root(b) }
}

extension GraphOp {
    /// f(s·x) = s·f(x) for each channel and s > 0; a clip as long as it does not clip.
    fileprivate var passesFactors: Bool {
        switch self {
        case .relu, .leakyRelu, .clip, .add, .globalAveragePool, .globalMaxPool, .maxPool, .averagePool: true
        default: false
        }
    }
}

extension FloatGraph {
    /// Of the layer that makes a class: each output channel's weights and bias.
    fileprivate mutating func scaleRows(of node: Node, by factors: [Double]) {
        for name in node.op.weights {
            guard var weight = weights[name], !factors.isEmpty else { continue }
            let size = weight.values.count / factors.count
            for index in weight.values.indices {
                weight.values[index] = Float(Double(weight.values[index]) * factors[index / size])
            }
            weights[name] = weight
        }
    }

    /// Of a layer that reads a class: the weights of each input channel.
    fileprivate mutating func scaleColumns(of node: Node, by factors: [Double]) {
        guard let name = node.op.weights.first, var weight = weights[name] else { return }
        forEachWeight(of: node) { index, channel, _ in
            weight.values[index] = Float(Double(weight.values[index]) * factors[channel])
        }
        weights[name] = weight
    }

    /// By input channel: its largest weight as a share of the largest of the same output channel. nil: only depthwise
    /// convolutions read it.
    fileprivate func columnSizes(of readers: [Int], count: Int) -> [Double]? {
        var sizes: [Double]?
        for node in readers.map({ nodes[$0] }) {
            guard let weight = node.op.weights.first.flatMap({ weights[$0] }), weight.shape[1] > 1 || count == 1 else {
                continue
            }
            var rows = [Double](repeating: 0, count: weight.shape[0])
            forEachWeight(of: node) { rows[$2] = max(rows[$2], abs(Double(weight.values[$0]))) }
            var columns = sizes ?? [Double](repeating: 0, count: count)
            forEachWeight(of: node) { index, channel, row in
                guard rows[row] > 0 else { return }
                columns[channel] = max(columns[channel], abs(Double(weight.values[index])) / rows[row])
            }
            sizes = columns
        }
        return sizes
    }

    /// - Parameter body: gets the weight's index, the input channel that it is for, its output channel.
    private func forEachWeight(of node: Node, _ body: (Int, Int, Int) -> Void) {
        guard let weight = node.op.weights.first.flatMap({ weights[$0] }) else { return }
        var groups = 1
        if case .convolution(_, _, _, let count) = node.op { groups = count }
        let (outputs, inputs) = (weight.shape[0], weight.shape[1])
        let taps = weight.shape.dropFirst(2).reduce(1, *)
        for output in 0..<outputs {
            let first = output / (outputs / groups) * inputs
            for input in 0..<inputs {
                for tap in 0..<taps { body((output * inputs + input) * taps + tap, first + input, output) }
            }
        }
    }
}
