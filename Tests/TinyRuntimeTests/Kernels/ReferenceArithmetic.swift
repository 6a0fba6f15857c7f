// The arithmetic of docs/arithmetic.md written a second time, from the words alone and on unpacked numbers, for the
// kernels' tests. It shares nothing with the C: integers in Int, and rounding by the standard library.

enum ReferenceArithmetic {
    /// `value`: in units of the output's scale.
    static func quantize(_ value: Float, zeroPoint: Int, clampMin: Int, clampMax: Int) -> UInt8 {
        let low = Float(clampMin - zeroPoint)
        let high = Float(clampMax - zeroPoint)
        return UInt8(Int(min(max(value, low), high).rounded(.toNearestOrEven)) + zeroPoint)
    }

    static func requantize(_ sum: Int, multiplier: Float, zeroPoint: Int, clampMin: Int, clampMax: Int) -> UInt8 {
        quantize(Float(Int32(sum)) * multiplier, zeroPoint: zeroPoint, clampMin: clampMin, clampMax: clampMax)
    }
}

/// A convolution of any kind with its numbers unpacked: real weights, a bias without the zero point, padding per
/// channel.
struct ReferenceConvolution {
    enum Kind: CaseIterable { case convolution, pointwise, depthwise, fullyConnected }

    var kind: Kind
    var inputHeight = 1, inputWidth = 1, inputChannels: Int
    var outputHeight = 1, outputWidth = 1, outputChannels: Int
    var kernelHeight = 1, kernelWidth = 1
    var strideHeight = 1, strideWidth = 1
    var padTop = 0, padLeft = 0
    var inputZeroPoint = 0
    /// One byte an input channel; differs from the zero point only where the image's mean pixel pads.
    var padding: [UInt8]
    /// [N][KH][KW][C]; depthwise: [C][KH][KW].
    var weights: [Int]
    var bias: [Int]
    var multiplier: [Float]
    var outputZeroPoint = 0, clampMin = 0, clampMax = 255

    /// Input channels that one output channel sees.
    var depth: Int { kind == .depthwise ? 1 : inputChannels }
    var window: Int { kernelHeight * kernelWidth * depth }
    var inputCount: Int { inputHeight * inputWidth * inputChannels }
    var outputCount: Int { outputHeight * outputWidth * outputChannels }

    /// input: H·W·C bytes. Returns H'·W'·N bytes. Four plain loops, and a fifth over channels.
    func run(_ input: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(outputCount)
        for row in 0..<outputHeight {
            for column in 0..<outputWidth {
                for n in 0..<outputChannels {
                    var sum = bias[n]
                    for kernelRow in 0..<kernelHeight {
                        for kernelColumn in 0..<kernelWidth {
                            let y = row * strideHeight - padTop + kernelRow
                            let x = column * strideWidth - padLeft + kernelColumn
                            let isInside = (0..<inputHeight).contains(y) && (0..<inputWidth).contains(x)
                            for k in 0..<depth {
                                let c = kind == .depthwise ? n : k
                                let byte = isInside ? input[(y * inputWidth + x) * inputChannels + c] : padding[c]
                                let weight = weights[
                                    ((n * kernelHeight + kernelRow) * kernelWidth + kernelColumn) * depth + k]
                                sum += (Int(byte) - inputZeroPoint) * weight
                            }
                        }
                    }
                    output.append(
                        ReferenceArithmetic.requantize(
                            sum, multiplier: multiplier[n], zeroPoint: outputZeroPoint, clampMin: clampMin,
                            clampMax: clampMax))
                }
            }
        }
        return output
    }
}

extension ReferenceConvolution: CustomStringConvertible {
    var description: String {
        "\(kind) \(inputHeight)×\(inputWidth)×\(inputChannels) → \(outputHeight)×\(outputWidth)×\(outputChannels), "
            + "kernel \(kernelHeight)×\(kernelWidth), stride \(strideHeight)×\(strideWidth), "
            + "pad top \(padTop) left \(padLeft), "
            + "zero points \(inputZeroPoint) → \(outputZeroPoint), clamp \(clampMin)…\(clampMax)"
    }
}
