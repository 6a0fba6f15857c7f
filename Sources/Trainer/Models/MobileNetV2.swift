// MobileNetV2 (Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018) without its classifier.
// Names, rounding of channels and initial values are torchvision's. Left out: other tables than the paper's.

import Tensors

package struct MobileNetV2: Backbone {
    /// t, c, n, s of the paper's table 2: expansion, output channels, repeats, stride of the first repeat.
    static let table: [(expansion: Int, channels: Int, repeats: Int, stride: Int)] = [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ]
    /// Stem, one a repeat of the table, and the last 1×1: torchvision's `features[0]` … `features[18]`.
    static let stageCount = table.reduce(2) { $0 + $1.repeats }

    private let stages: [InvertedResidual]
    private let taps: [Int]
    package let tapChannels: [Int]
    package let outputChannels: Int

    /// - Parameter taps: indices into torchvision's `features`, rising.
    package init(_ configuration: NetworkConfiguration, layers: LayerFactory) {
        var size = configuration.imageSize
        func block(
            _ name: String, inputs: Int, outputs: Int, kernel: Int, stride: Int = 1, depthwise: Bool = false,
            activation: Activation = .relu6, suffixes: (String, String) = (".0", ".1")
        ) -> ConvolutionBlock {
            let window = configuration.padding.window(kernel: kernel, stride: stride, inputSize: size)
            size = window.outputHeight(size)
            return ConvolutionBlock(
                convolution: layers.convolution(
                    name + suffixes.0, inputs: inputs, outputs: outputs, window: window, groups: depthwise ? inputs : 1,
                    group: .backbone),
                batchNorm: layers.batchNorm(
                    name + suffixes.1, channels: outputs, group: .backbone, epsilon: configuration.batchNormEpsilon,
                    momentum: configuration.batchNormMomentum),
                activation: activation)
        }

        var channels = Self.rounded(32 * configuration.width)
        var stages = [
            InvertedResidual(
                blocks: [
                    block("features.0", inputs: 3, outputs: channels, kernel: 3, stride: configuration.stemStride)
                ],
                isResidual: false)
        ]
        var widths = [channels]
        for row in Self.table {
            let outputs = Self.rounded(Float(row.channels) * configuration.width)
            for index in 0..<row.repeats {
                let name = "features.\(stages.count).conv"
                let stride = index == 0 ? row.stride : 1
                let hidden = channels * row.expansion
                var blocks: [ConvolutionBlock] = []
                if row.expansion != 1 {
                    blocks.append(block("\(name).0", inputs: channels, outputs: hidden, kernel: 1))
                }
                blocks.append(
                    block(
                        "\(name).\(blocks.count)", inputs: hidden, outputs: hidden, kernel: 3, stride: stride,
                        depthwise: true))
                blocks.append(
                    block(
                        name, inputs: hidden, outputs: outputs, kernel: 1, activation: .identity,
                        suffixes: (".\(blocks.count)", ".\(blocks.count + 1)")))
                stages.append(InvertedResidual(blocks: blocks, isResidual: stride == 1 && channels == outputs))
                channels = outputs
                widths.append(channels)
            }
        }
        // torchvision never narrows the last layer.
        let last = Self.rounded(1280 * max(1, configuration.width))
        stages.append(
            InvertedResidual(
                blocks: [block("features.\(stages.count)", inputs: channels, outputs: last, kernel: 1)],
                isResidual: false))
        widths.append(last)
        self.stages = stages
        taps = configuration.taps
        tapChannels = taps.map { widths[$0] }
        outputChannels = last
    }

    package func features<Context: ForwardContext>(_ x: Context.Value, in context: Context)
        -> (taps: [Context.Value], output: Context.Value)
    {
        var value = x
        var tapped: [Context.Value] = []
        for (index, stage) in stages.enumerated() {
            value = stage(value, in: context)
            if taps.contains(index) { tapped.append(value) }
        }
        return (tapped, value)
    }

    /// To the nearest multiple of 8, at least 8, and never more than a tenth below (torchvision's `_make_divisible`).
    static func rounded(_ channels: Float) -> Int {
        let nearest = max(8, Int(channels + 4) / 8 * 8)
        return Float(nearest) < 0.9 * channels ? nearest + 8 : nearest
    }
}

/// Blocks in a row, and the input added to the last one's output where the shapes allow it.
struct InvertedResidual {
    let blocks: [ConvolutionBlock]
    let isResidual: Bool

    func callAsFunction<Context: ForwardContext>(_ x: Context.Value, in context: Context) -> Context.Value {
        let result = blocks.reduce(x) { $1($0, in: context) }
        return isResidual ? context.add(x, result) : result
    }
}
