// Random convolutions for the kernels' tests: sizes around the kernels' tiles, odd zero points, clamps, asymmetric
// padding, strides, extreme weights and inputs. Everything follows from the seed.

struct RandomConvolution {
    var reference: ReferenceConvolution
    var input: [UInt8]
    /// Output rows to compute: mostly all of them.
    var rows: Range<Int>

    /// Widths and channel counts around the tiles of the vector kernels (5, 7, 8, 10, 14, 16, 32, 64).
    static let edgeSizes = [
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 21, 27, 28, 29, 31, 32, 33, 47, 48, 49, 63, 64, 65,
    ]

    /// A convolution with `channels` input channels (depthwise: and output channels).
    init(kind: ReferenceConvolution.Kind, channels: Int, seed: UInt64) {
        var random = KernelRandom(seed: seed)
        let outputChannels = kind == .depthwise ? channels : Self.edgeSizes[random.int(0...Self.edgeSizes.count - 1)]
        var r = ReferenceConvolution(
            kind: kind, inputChannels: channels, outputChannels: outputChannels, padding: [], weights: [], bias: [],
            multiplier: [])
        if kind == .convolution || kind == .depthwise {
            let isUsual = random.int(0...2) != 0
            r.kernelHeight = isUsual ? 3 : random.int(1...6)
            r.kernelWidth = isUsual ? 3 : random.int(1...6)
            r.strideHeight = random.int(1...3)
            r.strideWidth = random.oneIn(4) ? random.int(1...3) : r.strideHeight
            r.padTop = random.int(0...r.kernelHeight - 1)
            r.padLeft = random.int(0...r.kernelWidth - 1)
        }
        if kind != .fullyConnected {
            // Output sizes first, then an input of which the last window may reach `padBottom` and `padRight` beyond
            // the end.
            r.outputHeight = random.int(1...5)
            r.outputWidth = random.oneIn(2) ? random.int(1...9) : Self.edgeSizes[random.int(0...19)]
            let padBottom = random.int(0...r.kernelHeight - 1)
            let padRight = random.int(0...r.kernelWidth - 1)
            r.inputHeight = (r.outputHeight - 1) * r.strideHeight + r.kernelHeight - r.padTop - padBottom
            r.inputWidth = (r.outputWidth - 1) * r.strideWidth + r.kernelWidth - r.padLeft - padRight
            r.inputHeight = max(1, r.inputHeight)
            r.inputWidth = max(1, r.inputWidth)
        }
        r.inputZeroPoint = random.oneIn(3) ? 0 : random.int(0...255)
        r.padding =
            channels <= 4 ? random.bytes(channels) : [UInt8](repeating: UInt8(r.inputZeroPoint), count: channels)
        let isExtreme = random.oneIn(4)
        r.weights = (0..<outputChannels * r.window).map { _ in
            isExtreme ? (random.oneIn(2) ? 127 : -127) : random.int(-127...127)
        }
        r.bias = (0..<outputChannels).map { _ in random.int(-20000...20000) }
        // Mostly multipliers that keep answers within the range; some that give many ties or leave it.
        let spread = 60 * Float(r.window).squareRoot() * 70
        r.multiplier = (0..<outputChannels).map { _ in
            random.oneIn(5)
                ? [0.5, 0.25, 0.0078125, 0.001953125][random.int(0...3)]
                : 64 / spread * Float(random.int(20...200)) / 100
        }
        r.outputZeroPoint = random.oneIn(3) ? 0 : random.int(0...255)
        r.clampMin = random.oneIn(2) ? 0 : random.int(0...200)
        r.clampMax = random.oneIn(2) ? 255 : random.int(r.clampMin...255)
        reference = r
        let hasExtremeInput = random.oneIn(4)
        input = hasExtremeInput ? (0..<r.inputCount).map { _ in random.oneIn(2) ? 255 : 0 } : random.bytes(r.inputCount)
        rows = 0..<r.outputHeight
        if random.oneIn(3) {
            let first = random.int(0...r.outputHeight)
            rows = first..<random.int(first...r.outputHeight)
        }
    }
}
