// WeightQuantization: a layer's float weights and bias as integers: symmetric, −127…127, one scale an output channel,
// each weight rounded to the nearest step. What rounding does to a channel's mean is put right in the bias (Nagel et
// al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2, with means measured
// on the calibration photos). Left out: learned rounding, equalization.

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

package enum WeightQuantization {
    package static let largest = 127.0
    /// A bias beyond this would leave no room for the products; the channel's scale is widened instead.
    private static let largestBias = Double(1 << 28)

    /// - Parameters:
    ///   - weights: O KH KW I, real values per unit of `input`'s real values.
    ///   - input: channels as the weights' I; of a depthwise convolution, one for each output channel.
    ///   - outputScale: of one step of the output.
    /// - Throws: `ConversionError.badNode` where a sum could leave 32 bits, or its product with the multiplier.
    package static func quantize(
        _ weights: [Double], bias: [Double], shape: (outputs: Int, kernelHeight: Int, kernelWidth: Int, inputs: Int),
        input: WeightedInput, isDepthwise: Bool, outputScale: Double, correctBias: Bool = true, node: String
    ) throws -> QuantizedWeights {
        let kernel = shape.kernelHeight * shape.kernelWidth * shape.inputs
        var result = QuantizedWeights(
            outputChannels: shape.outputs, kernelHeight: shape.kernelHeight, kernelWidth: shape.kernelWidth,
            inputChannels: shape.inputs, values: [], scales: [], bias: [], multiplier: [])
        result.values.reserveCapacity(weights.count)
        for output in 0..<shape.outputs {
            let row = weights[(output * kernel)..<((output + 1) * kernel)]
            let magnitude = row.reduce(0) { max($0, abs($1)) }
            let scale = Float(
                scaleFor(
                    magnitude: magnitude, bias: abs(bias[output]), inputScale: input.scale, outputScale: outputScale))
            var products = 0
            var zeroSum = 0.0
            var correction = 0.0
            for (index, weight) in row.enumerated() {
                let channel = isDepthwise ? output : index % shape.inputs
                let q = min(max((weight / Double(scale)).rounded(.toNearestOrEven), -largest), largest)
                result.values.append(Int8(q))
                products += abs(Int(q))
                zeroSum += q * input.zeros[channel]
                if correctBias { correction += (weight - q * Double(scale)) * input.means[channel] }
            }
            let unit = input.scale * Double(scale)
            let quantizedBias = ((bias[output] + correction) / unit - zeroSum).rounded(.toNearestOrEven)
            let multiplier = Float(unit / outputScale)
            let largestSum = abs(quantizedBias) + 255 * Double(products)
            guard largestSum < Double(Int32.max), multiplier > 0, largestSum * Double(multiplier) < 0x1p31 else {
                throw ConversionError.badNode(
                    name: node,
                    reason: "the sums of output channel \(output) do not fit 32 bits (weights up to \(magnitude), bias "
                        + "\(bias[output]))")
            }
            result.scales.append(scale)
            result.bias.append(Int32(quantizedBias))
            result.multiplier.append(multiplier)
        }
        return result
    }

    private static func scaleFor(magnitude: Double, bias: Double, inputScale: Double, outputScale: Double) -> Double {
        let scale = max(magnitude / largest, bias / (inputScale * largestBias))
        // A dead channel: any scale serves; this one's multiplier is 1.
        return scale > 0x1p-120 ? scale : outputScale / inputScale
    }
}
