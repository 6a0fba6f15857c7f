// WeightQuantization: a layer's float weights and bias as integers: symmetric, −127…127, one scale an output channel,
// each weight rounded to the nearest step. What rounding does to a channel's mean is put right in the bias (Nagel et
// al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2, with means measured
// on the calibration photos). Left out: learned rounding (AdaptiveRounding), equalization.

import Foundation

/// What a weighted op needs to know of its input.
package struct WeightedInput: Sendable {
    /// Of one step of the input.
    package var scale: Double
    /// The q that stands for zero, by channel: the zero point, or for the photo the mean pixel, which need not be an
    /// integer.
    package var zeros: [Double]
    /// Mean of the real values (zero removed) by channel, over the calibration photos.
    package var means: [Double]

    package init(scale: Double, zeros: [Double], means: [Double]) {
        self.scale = scale
        self.zeros = zeros
        self.means = means
    }
}

/// A layer with weights in real numbers, and what its integers must fit between.
package struct WeightedLayer: Sendable {
    /// Of the node.
    package var name: String
    /// O KH KW I/groups, real values per unit of `input`'s real values.
    package var weights: [Double]
    package var bias: [Double]
    /// `inputs`: I/groups.
    package var shape: (outputs: Int, kernelHeight: Int, kernelWidth: Int, inputs: Int)
    /// Of all I channels.
    package var input: WeightedInput
    /// 1: dense; as many as channels: depthwise.
    package var groups: Int
    /// Of one step of the output.
    package var outputScale: Double

    package init(
        name: String, weights: [Double], bias: [Double],
        shape: (outputs: Int, kernelHeight: Int, kernelWidth: Int, inputs: Int), input: WeightedInput, groups: Int,
        outputScale: Double
    ) {
        self.name = name
        self.weights = weights
        self.bias = bias
        self.shape = shape
        self.input = input
        self.groups = groups
        self.outputScale = outputScale
    }

    /// That one output channel has.
    package var kernel: Int { shape.kernelHeight * shape.kernelWidth * shape.inputs }

    /// The input channel that weight `index` (KH KW I/groups) of output channel `output` is applied to.
    @inline(__always)
    package func channel(of index: Int, output: Int) -> Int {
        output / (shape.outputs / groups) * shape.inputs + index % shape.inputs
    }

    /// Where what that weight is applied to stands in a patch KH KW I.
    @inline(__always)
    package func place(of index: Int, output: Int) -> Int {
        index / shape.inputs * shape.inputs * groups + channel(of: index, output: output)
    }
}

package enum WeightQuantization {
    package static let largest = 127.0
    /// A bias beyond this would leave no room for the products; the channel's scale is widened instead.
    private static let largestBias = Double(1 << 28)

    /// Every weight to its nearest step.
    /// - Throws: `ConversionError.badNode` where a sum could leave 32 bits, or its product with the multiplier.
    package static func quantize(_ layer: WeightedLayer, correctBias: Bool = true) throws -> QuantizedWeights {
        var result = QuantizedWeights(empty: layer)
        for output in 0..<layer.shape.outputs {
            let scale = scale(of: output, in: layer)
            var values: [Int8] = []
            values.reserveCapacity(layer.kernel)
            var correction = 0.0
            for index in 0..<layer.kernel {
                let weight = layer.weights[output * layer.kernel + index]
                let q = min(max((weight / Double(scale)).rounded(.toNearestOrEven), -largest), largest)
                values.append(Int8(q))
                if correctBias {
                    correction +=
                        (weight - q * Double(scale)) * layer.input.means[layer.channel(of: index, output: output)]
                }
            }
            try append(values, scale: scale, bias: layer.bias[output] + correction, of: layer, to: &result)
        }
        return result
    }

    /// Of output channel `output`: its largest weight is ±127 steps, and its bias fits.
    package static func scale(of output: Int, in layer: WeightedLayer) -> Float {
        let row = layer.weights[(output * layer.kernel)..<((output + 1) * layer.kernel)]
        let magnitude = row.reduce(0) { max($0, abs($1)) }
        let scale = max(magnitude / largest, abs(layer.bias[output]) / (layer.input.scale * largestBias))
        // A dead channel: any scale serves; this one's multiplier is 1.
        return Float(scale > 0x1p-120 ? scale : layer.outputScale / layer.input.scale)
    }

    /// The next output channel in integers.
    /// - Parameters:
    ///   - values: KH KW I, in −127…127.
    ///   - scale: of one step of them.
    ///   - bias: real; −Σ w·zero is put into it here.
    /// - Throws: `ConversionError.badNode` where a sum could leave 32 bits, or its product with the multiplier.
    package static func append(
        _ values: [Int8], scale: Float, bias: Double, of layer: WeightedLayer, to result: inout QuantizedWeights
    ) throws {
        let output = result.scales.count
        var products = 0
        var zeroSum = 0.0
        for (index, q) in values.enumerated() {
            products += abs(Int(q))
            zeroSum += Double(q) * layer.input.zeros[layer.channel(of: index, output: output)]
        }
        let unit = layer.input.scale * Double(scale)
        let quantizedBias = (bias / unit - zeroSum).rounded(.toNearestOrEven)
        let multiplier = Float(unit / layer.outputScale)
        let largestSum = abs(quantizedBias) + 255 * Double(products)
        guard largestSum < Double(Int32.max), multiplier > 0, largestSum * Double(multiplier) < 0x1p31 else {
            let magnitude = (0..<layer.kernel).reduce(0) { max($0, abs(layer.weights[output * layer.kernel + $1])) }
            throw ConversionError.badNode(
                name: layer.name,
                reason: "the sums of output channel \(output) do not fit 32 bits (weights up to \(magnitude), bias "
                    + "\(bias))")
        }
        result.values += values
        result.scales.append(scale)
        result.bias.append(Int32(quantizedBias))
        result.multiplier.append(multiplier)
    }
}

extension QuantizedWeights {
    /// No output channel yet.
    package init(empty layer: WeightedLayer) {
        self.init(
            outputChannels: layer.shape.outputs, kernelHeight: layer.shape.kernelHeight,
            kernelWidth: layer.shape.kernelWidth, inputChannels: layer.shape.inputs, values: [], scales: [], bias: [],
            multiplier: [])
        values.reserveCapacity(layer.weights.count)
    }
}
