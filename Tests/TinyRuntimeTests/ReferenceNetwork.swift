// ReferenceNetwork: runs a ModelFileBuilder's network with plain loops over integers: the runtime's results must equal these byte for
// byte. Written from docs/arithmetic.md, with the standard library's rounding; it shares nothing with the C kernels.

import TinyRuntime

enum ReferenceNetwork {
    /// Each op's output bytes, in order.
    static func run(_ network: ModelFileBuilder, input: [UInt8]) -> [[UInt8]] {
        var values: [Int: [UInt8]] = [network.inputTensor: input]
        return network.ops.map { op in
            let inputs = op.inputs.map { values[$0] ?? [] }
            let result = run(op, network.tensors, inputs)
            values[op.output] = result
            return result
        }
    }

    static func selfTestInput(_ network: ModelFileBuilder) -> [UInt8] {
        var state = network.selfTestSeed
        return (0..<network.tensors[network.inputTensor].bytes).map { _ in
            state = state &+ 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return UInt8((z ^ (z >> 31)) >> 56)
        }
    }

    private static func quantize(_ value: Float, _ op: ModelFileBuilder.Op, _ to: ModelFileBuilder.Tensor) -> UInt8 {
        let zeroPoint = Float(to.zeroPoint)
        let clamped = min(max(value, Float(op.clamp.min) - zeroPoint), Float(op.clamp.max) - zeroPoint)
        return UInt8(clamped.rounded(.toNearestOrEven) + zeroPoint)
    }

    private static func run(
        _ op: ModelFileBuilder.Op, _ tensors: [ModelFileBuilder.Tensor], _ inputs: [[UInt8]]
    ) -> [UInt8] {
        let to = tensors[op.output]
        let from = tensors[op.inputs[0]]
        switch op.code {
        case .convolution, .pointwise, .depthwise, .groupedConvolution, .fullyConnected:
            return convolution(op, from, to, inputs[0])
        case .add:
            let other = tensors[op.inputs[1]]
            return zip(inputs[0], inputs[1]).map { a, b in
                let first = Float(Int(a) - Int(from.zeroPoint)) * op.scale0
                let second = Float(Int(b) - Int(other.zeroPoint)) * op.scale1
                return quantize(first + second, op, to)
            }
        case .multiply:
            let other = tensors[op.inputs[1]]
            return zip(inputs[0], inputs[1]).map { a, b in
                let product = (Int(a) - Int(from.zeroPoint)) * (Int(b) - Int(other.zeroPoint))
                return quantize(Float(product) * op.scale0, op, to)
            }
        case .scaleChannels:
            let other = tensors[op.inputs[1]]
            return inputs[0].enumerated().map { place, value in
                let factor = Int(inputs[1][place % from.channels]) - Int(other.zeroPoint)
                return quantize(Float((Int(value) - Int(from.zeroPoint)) * factor) * op.scale0, op, to)
            }
        case .averagePool:
            return eachWindow(op, from, to) { channel, taps in
                let inside = taps.compactMap(\.pixel)
                let sum = inside.reduce(0) { $0 + Int(inputs[0][$1 * from.channels + channel]) - Int(from.zeroPoint) }
                let count = op.parameter == 1 ? op.kernel.height * op.kernel.width : inside.count
                return quantize(Float(sum) * (op.scale0 / Float(count)), op, to)
            }
        case .table:
            return inputs[0].map { op.table[Int($0)] }
        case .concat:
            return (0..<to.height * to.width).flatMap { pixel in
                zip(op.inputs, inputs).flatMap { index, values in
                    let channels = tensors[index].channels
                    return values[pixel * channels..<(pixel + 1) * channels]
                }
            }
        case .globalAveragePool:
            return (0..<to.channels).map { channel in
                let sum = (0..<from.height * from.width).reduce(0) {
                    $0 + Int(inputs[0][$1 * from.channels + channel]) - Int(from.zeroPoint)
                }
                return quantize(Float(sum) * op.scale0, op, to)
            }
        case .globalMaxPool:
            return (0..<to.channels).map { channel in
                (0..<from.height * from.width).map { inputs[0][$0 * from.channels + channel] }.max() ?? 0
            }
        case .maxPool:
            return eachWindow(op, from, to) { channel, taps in
                taps.compactMap { $0.pixel.map { inputs[0][$0 * from.channels + channel] } }.max() ?? 0
            }
        }
    }

    private static func convolution(
        _ op: ModelFileBuilder.Op, _ from: ModelFileBuilder.Tensor, _ to: ModelFileBuilder.Tensor, _ input: [UInt8]
    ) -> [UInt8] {
        let values = op.weights.count / to.channels
        let isDepthwise = op.code == .depthwise
        let (inputs, outputs) = (from.channels / op.groups, to.channels / op.groups)
        return eachWindow(op, from, to) { channel, taps in
            var sum = Int(op.bias[channel])
            for (index, tap) in taps.enumerated() {
                let first = channel / outputs * inputs
                for source in isDepthwise ? channel..<channel + 1 : first..<first + inputs {
                    let padding =
                        op.code == .convolution && from.channels <= 4 ? op.padPixel[source] : from.zeroPoint
                    let value = tap.pixel.map { input[$0 * from.channels + source] } ?? padding
                    let weight = channel * values + (isDepthwise ? index : index * inputs + source - first)
                    sum += Int(value) * Int(op.weights[weight])
                }
            }
            return quantize(Float(sum) * op.multiplier[channel], op, to)
        }
    }

    /// One value of the kernel's window; `pixel` is nil in the padding.
    private struct Tap { var pixel: Int? }

    private static func eachWindow(
        _ op: ModelFileBuilder.Op, _ from: ModelFileBuilder.Tensor, _ to: ModelFileBuilder.Tensor,
        _ value: (_ channel: Int, [Tap]) -> UInt8
    ) -> [UInt8] {
        let kernel = op.kernel.height == 0 ? (height: 1, width: 1) : op.kernel
        let stride = op.stride.height == 0 ? (height: 1, width: 1) : op.stride
        var output: [UInt8] = []
        for row in 0..<to.height {
            for column in 0..<to.width {
                var taps: [Tap] = []
                for y in 0..<kernel.height {
                    for x in 0..<kernel.width {
                        let (sourceRow, sourceColumn) = (
                            row * stride.height + y - op.pads.top, column * stride.width + x - op.pads.left
                        )
                        let isInside =
                            sourceRow >= 0 && sourceRow < from.height && sourceColumn >= 0 && sourceColumn < from.width
                        taps.append(Tap(pixel: isInside ? sourceRow * from.width + sourceColumn : nil))
                    }
                }
                for channel in 0..<to.channels { output.append(value(channel, taps)) }
            }
        }
        return output
    }
}
