// QuantizedGraph: the network in integers, as the device will run it, before memory places and file offsets are known.
// What each field means in arithmetic is docs/arithmetic.md; made only by Quantization.

import Tensors

/// real = (q − zeroPoint) · scale, q in 0…255.
package struct AffineScale: Sendable, Equatable {
    package var scale: Float
    package var zeroPoint: UInt8

    package init(scale: Float, zeroPoint: UInt8) {
        self.scale = scale
        self.zeroPoint = zeroPoint
    }

    /// 256 steps over `range`; zero is exactly on one of them.
    package init(covering range: ActivationRange) {
        let width = range.high - range.low
        // An edge that is always zero needs some scale; one that is nearly zero must not make a multiplier overflow.
        scale = width > 1e-20 ? Float(width / 255) : 1
        zeroPoint = UInt8(min(max((-range.low / Double(scale)).rounded(.toNearestOrEven), 0), 255))
    }

    package func quantize(_ real: Double) -> UInt8 {
        let steps = (real / Double(scale)).rounded(.toNearestOrEven) + Double(zeroPoint)
        return UInt8(min(max(steps, 0), 255))
    }

    package func dequantize(_ q: UInt8) -> Double { (Double(q) - Double(zeroPoint)) * Double(scale) }
}

/// Weights of a convolution or linear layer, one scale an output channel.
package struct QuantizedWeights: Sendable, Equatable {
    package var outputChannels: Int
    package var kernelHeight: Int
    package var kernelWidth: Int
    /// That each output channel reads: 1 in a depthwise convolution, a group's in a grouped one.
    package var inputChannels: Int
    /// O KH KW I, in −127…127.
    package var values: [Int8]
    /// real weight = value · scale (for the convolution on the photo: of pixels, the deviation is in it).
    package var scales: [Float]
    /// In units of input scale · weight scale; −Σ w·(the input's zero) is in it.
    package var bias: [Int32]
    /// input scale · weight scale / output scale.
    package var multiplier: [Float]

    package init(
        outputChannels: Int, kernelHeight: Int, kernelWidth: Int, inputChannels: Int, values: [Int8], scales: [Float],
        bias: [Int32], multiplier: [Float]
    ) {
        self.outputChannels = outputChannels
        self.kernelHeight = kernelHeight
        self.kernelWidth = kernelWidth
        self.inputChannels = inputChannels
        self.values = values
        self.scales = scales
        self.bias = bias
        self.multiplier = multiplier
    }
}

extension QuantizedWeights {
    /// One layer a group, of equal size.
    func split(into groups: Int) -> [QuantizedWeights] {
        let (channels, size) = (outputChannels / groups, values.count / groups)
        return (0..<groups).map { group in
            let rows = group * channels..<(group + 1) * channels
            return QuantizedWeights(
                outputChannels: channels, kernelHeight: kernelHeight, kernelWidth: kernelWidth,
                inputChannels: inputChannels, values: Array(values[group * size..<(group + 1) * size]),
                scales: Array(scales[rows]), bias: Array(bias[rows]), multiplier: Array(multiplier[rows]))
        }
    }
}

package struct QuantizedGraph: Sendable, Equatable {
    /// An activation of one photo: H×W×C bytes.
    package struct Tensor: Sendable, Equatable {
        package var name: String
        package var height: Int
        package var width: Int
        package var channels: Int
        package var affine: AffineScale

        package var bytes: Int { height * width * channels }

        package init(name: String, height: Int, width: Int, channels: Int, affine: AffineScale) {
            self.name = name
            self.height = height
            self.width = width
            self.channels = channels
            self.affine = affine
        }
    }

    package enum Kind: Sendable, Equatable {
        /// padPixel: what stands outside an image of at most 4 channels; all zero for more channels, and for 1×1
        /// (pointwise).
        case convolution(QuantizedWeights, Window, padPixel: [UInt8])
        case depthwise(QuantizedWeights, Window)
        /// groups: 2 or more; they divide the channels of input and output.
        case groupedConvolution(QuantizedWeights, Window, groups: Int)
        case fullyConnected(QuantizedWeights)
        case add(scale0: Float, scale1: Float)
        case multiply(scale: Float)
        /// An image and one factor a channel.
        case scaleChannels(scale: Float)
        case table([UInt8])
        case concat
        case globalAveragePool(scale: Float)
        case globalMaxPool
        case maxPool(Window)
        /// scale: the input's over the output's.
        case averagePool(scale: Float, Window, countsPadding: Bool)
    }

    package struct Op: Sendable, Equatable {
        package var name: String
        package var kind: Kind
        /// Indices into `tensors`.
        package var inputs: [Int]
        package var output: Int
        package var clamp: ClosedRange<UInt8>

        package init(name: String, kind: Kind, inputs: [Int], output: Int, clamp: ClosedRange<UInt8> = 0...255) {
            self.name = name
            self.kind = kind
            self.inputs = inputs
            self.output = output
            self.clamp = clamp
        }
    }

    /// The first is the photo.
    package var tensors: [Tensor]
    package var ops: [Op]
    package var output: Int

    package init(tensors: [Tensor], ops: [Op], output: Int) {
        self.tensors = tensors
        self.ops = ops
        self.output = output
    }

    package static let input = 0
}
