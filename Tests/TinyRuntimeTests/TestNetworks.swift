// TestNetworks: small networks with random weights, for the tests of loading and running. The same seed gives the same network.

import TinyRuntime

enum TestNetworks {
    /// Every op once or more: convolution with asymmetric padding and a padding pixel, depthwise at stride 2, pointwise, add, table,
    /// multiply, concat, max pool, both global pools, fully connected. Channels that do not fill a block of 16 included.
    static func everyOp(seed: UInt64, classes: Int = 5, side: Int = 13) -> ModelFileBuilder {
        var random = SplitMix64(seed: seed)
        var network = ModelFileBuilder()
        func half(_ size: Int) -> Int { (size + 1) / 2 }
        let (h0, w0) = (side, side - 2)
        let (h1, w1) = ((h0 + 1 - 3) / 2 + 1, (w0 + 2 - 3) / 2 + 1)  // pads 0 1, 1 1
        let (h2, w2) = ((h1 + 2 - 3) / 2 + 1, (w1 + 2 - 3) / 2 + 1)
        let (h3, w3) = ((h2 + 1 - 2) / 2 + 1, (w2 - 2) / 1 + 1)

        func tensor(_ h: Int, _ w: Int, _ c: Int, like other: Int? = nil) -> Int {
            let zeroPoint = UInt8.random(in: 0...255, using: &random)
            let scale = Float.random(in: 0.01...0.1, using: &random)
            network.tensors.append(
                .init(
                    height: h, width: w, channels: c, scale: other.map { network.tensors[$0].scale } ?? scale,
                    zeroPoint: other.map { network.tensors[$0].zeroPoint } ?? zeroPoint))
            return network.tensors.count - 1
        }
        func clamp(_ min: UInt8 = 0, _ max: UInt8 = 255) -> (UInt8, UInt8) { (min, max) }

        let input = tensor(h0, w0, 3)
        let c1 = tensor(h1, w1, 20)
        network.ops.append(
            .init(
                code: .convolution, inputs: [input], output: c1, kernel: (3, 3), stride: (2, 2), pads: (0, 1, 1, 1),
                clamp: clamp(10, 240), padPixel: [124, 116, 104, 0]))
        let c2 = tensor(h2, w2, 20)
        network.ops.append(
            .init(
                code: .depthwise, inputs: [c1], output: c2, kernel: (3, 3), stride: (2, 2), pads: (1, 1, 1, 1),
                clamp: clamp(0, 200)))
        let c3 = tensor(h2, w2, 20)
        network.ops.append(.init(code: .pointwise, inputs: [c2], output: c3, clamp: clamp()))
        let sum = tensor(h2, w2, 20)
        network.ops.append(
            .init(code: .add, inputs: [c2, c3], output: sum, clamp: clamp(3, 250), scale0: 0.6, scale1: 0.7))
        let gate = tensor(h2, w2, 20)
        network.ops.append(
            .init(
                code: .table, inputs: [sum], output: gate,
                table: (0..<256).map { _ in UInt8.random(in: 0...255, using: &random) }))
        let gated = tensor(h2, w2, 20)
        network.ops.append(
            .init(code: .multiply, inputs: [gate, sum], output: gated, clamp: clamp(), scale0: 0.011))
        let wide = tensor(h2, w2, 9, like: gated)
        network.ops.append(.init(code: .pointwise, inputs: [sum], output: wide, clamp: clamp()))
        let joined = tensor(h2, w2, 29, like: gated)
        network.ops.append(.init(code: .concat, inputs: [gated, wide], output: joined))
        let pooled = tensor(h3, w3, 29, like: joined)
        network.ops.append(
            .init(
                code: .maxPool, inputs: [joined], output: pooled, kernel: (2, 2), stride: (2, 1), pads: (0, 1, 0, 0)))
        let largest = tensor(1, 1, 29, like: pooled)
        network.ops.append(.init(code: .globalMaxPool, inputs: [pooled], output: largest))
        let mean = tensor(1, 1, 29, like: largest)
        network.ops.append(
            .init(
                code: .globalAveragePool, inputs: [joined], output: mean, clamp: clamp(),
                scale0: 1.2 / Float(h2 * w2)))
        let features = tensor(1, 1, 58, like: largest)
        network.ops.append(.init(code: .concat, inputs: [largest, mean], output: features))
        let logits = tensor(1, 1, classes)
        network.ops.append(.init(code: .fullyConnected, inputs: [features], output: logits, clamp: clamp()))

        for index in network.ops.indices where network.ops[index].hasWeights {
            fill(&network, index, using: &random)
        }
        network.labels = (0..<classes).map {
            ["rotkehlchen", "kohlmeise", "spatz", "zaunkönig", "星鴉"][$0 % 5] + "\($0)"
        }
        network.selfTestSeed = seed
        return network
    }

    /// The ops that `everyOp` leaves out: grouped convolutions (one on few channels, with padding and stride, and one that
    /// makes three channels of each), average pools that count padding and that do not, and a factor a channel.
    static func groupsAndFactors(seed: UInt64, side: Int = 11) -> ModelFileBuilder {
        var random = SplitMix64(seed: seed)
        var network = ModelFileBuilder()
        func tensor(_ h: Int, _ w: Int, _ c: Int) -> Int {
            network.tensors.append(
                .init(
                    height: h, width: w, channels: c, scale: Float.random(in: 0.01...0.1, using: &random),
                    zeroPoint: UInt8.random(in: 0...255, using: &random)))
            return network.tensors.count - 1
        }
        let (h, w) = (side, side - 2)
        let (h1, w1) = ((h + 1 - 3) / 2 + 1, (w + 2 - 3) / 2 + 1)
        let (h2, w2) = (h1 + 1 - 2 + 1, (w1 + 2 - 3) / 2 + 1)
        let input = tensor(h, w, 3)
        let image = tensor(h, w, 40)
        network.ops.append(.init(code: .pointwise, inputs: [input], output: image, clamp: (0, 255)))
        let grouped = tensor(h1, w1, 36)
        network.ops.append(
            .init(
                code: .groupedConvolution, inputs: [image], output: grouped, kernel: (3, 3), stride: (2, 2),
                pads: (0, 1, 1, 1), clamp: (5, 250), parameter: 2))
        let wide = tensor(h1, w1, 108)
        network.ops.append(
            .init(
                code: .groupedConvolution, inputs: [grouped], output: wide, kernel: (3, 2), stride: (1, 1),
                pads: (1, 1, 0, 1), clamp: (0, 255), parameter: 36))
        let pooled = tensor(h2, w2, 108)
        network.ops.append(
            .init(
                code: .averagePool, inputs: [wide], output: pooled, kernel: (2, 3), stride: (1, 2), pads: (1, 0, 1, 1),
                clamp: (0, 240), scale0: 1.3))
        let counted = tensor(h2, w2, 108)
        network.ops.append(
            .init(
                code: .averagePool, inputs: [wide], output: counted, kernel: (2, 3), stride: (1, 2),
                pads: (1, 0, 1, 1), clamp: (3, 255), scale0: 1.1, parameter: 1))
        let factors = tensor(1, 1, 108)
        network.ops.append(
            .init(
                code: .globalAveragePool, inputs: [pooled], output: factors, clamp: (0, 255),
                scale0: 1.2 / Float(h2 * w2)))
        let scaled = tensor(h2, w2, 108)
        network.ops.append(
            .init(
                code: .scaleChannels, inputs: [counted, factors], output: scaled, clamp: (2, 251), scale0: 0.013))
        let mean = tensor(1, 1, 108)
        network.ops.append(
            .init(
                code: .globalAveragePool, inputs: [scaled], output: mean, clamp: (0, 255),
                scale0: 1.1 / Float(h2 * w2)))
        let logits = tensor(1, 1, 5)
        network.ops.append(.init(code: .fullyConnected, inputs: [mean], output: logits, clamp: (0, 255)))
        for index in network.ops.indices where network.ops[index].hasWeights { fill(&network, index, using: &random) }
        network.labels = (0..<5).map { "label \($0)" }
        network.selfTestSeed = seed
        return network
    }

    /// Random weights and biases; multipliers that bring most sums into the output's range, so that rounding and both clamps are used.
    static func fill(_ network: inout ModelFileBuilder, _ index: Int, using random: inout SplitMix64) {
        let op = network.ops[index]
        let (from, to) = (network.tensors[op.inputs[0]], network.tensors[op.output])
        let window = max(1, op.kernel.height * op.kernel.width)
        let values = op.code == .depthwise ? window : window * from.channels / op.groups
        let weights = (0..<values * to.channels).map { _ in Int8.random(in: -127...127, using: &random) }
        network.ops[index].weights = weights
        network.ops[index].bias = (0..<to.channels).map { channel in
            let sum = weights[channel * values..<(channel + 1) * values].reduce(0) { $0 + Int32($1) }
            return Int32.random(in: -4000...4000, using: &random) - Int32(from.zeroPoint) * sum
        }
        let typical = 70 * 75 * Float(values).squareRoot()
        network.ops[index].multiplier = (0..<to.channels).map { _ in
            Float.random(in: 60...140, using: &random) / typical
        }
    }

    /// One fully connected layer from the photo's first pixels to `classes` logits that can be steered: for tests of what follows.
    static func logitsFromPixels(classes: Int, scale: Float, zeroPoint: UInt8 = 0) -> ModelFileBuilder {
        var network = ModelFileBuilder()
        let pixels = (classes + 2) / 3
        network.tensors = [
            .init(height: 1, width: pixels, channels: 3),
            .init(height: 1, width: 1, channels: classes, scale: scale, zeroPoint: zeroPoint),
        ]
        // A convolution as wide as the photo copies byte i to channel i: weight 1, multiplier 1, less the output's zero point.
        network.ops = [
            .init(
                code: .convolution, inputs: [0], output: 1, kernel: (1, pixels), stride: (1, 1), clamp: (0, 255),
                weights: (0..<classes).flatMap { channel in (0..<pixels * 3).map { $0 == channel ? 1 : 0 } },
                bias: [Int32](repeating: -Int32(zeroPoint), count: classes),
                multiplier: [Float](repeating: 1, count: classes))
        ]
        return network
    }
}
