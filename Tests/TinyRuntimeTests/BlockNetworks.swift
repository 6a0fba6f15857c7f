// BlockNetworks: networks of random blocks: [convolution | pointwise] → depthwise → pointwise [→ add], with odd sizes, strides, kernels,
// channels that fill no register, zero points and clamps; and concats whose inputs are written to their places. The same seed gives the
// same network.

import TinyRuntime

struct BlockNetworks {
    private(set) var network = ModelFileBuilder()
    private var random: SplitMix64

    /// - Parameter side: about the photo's.
    static func random(seed: UInt64, side: Int? = nil) -> ModelFileBuilder {
        var maker = BlockNetworks(random: SplitMix64(seed: seed))
        return maker.make(seed: seed, side: side)
    }

    private mutating func make(seed: UInt64, side: Int?) -> ModelFileBuilder {
        let (height, width) = (side ?? number(3...40), side ?? number(3...40))
        let photo = tensor(height, width, 3)
        // Channels that fill no register, and those of real networks.
        var image = block(photo, expand: .convolution, wide: number(1...40), narrow: pick([1, 8, 16, number(1...30)]), adds: false)
        for _ in 0..<number(2...5) {
            let channels = network.tensors[image].channels
            let expands = number(0...3) > 0
            let adds = number(0...1) > 0
            image = block(
                image, expand: expands ? .pointwise : nil, wide: expands ? pick([32, 96, 144, number(1...200)]) : channels,
                narrow: adds ? channels : pick([16, 24, 40, number(1...70)]), adds: adds)
        }
        joinedHead(image)
        for index in network.ops.indices where network.ops[index].hasWeights {
            TestNetworks.fill(&network, index, using: &random)
        }
        network.labels = (0..<7).map { "label \($0)" }
        network.selfTestSeed = seed
        return network
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    private mutating func pick(_ values: [Int]) -> Int { values[number(0...values.count - 1)] }

    private mutating func tensor(_ height: Int, _ width: Int, _ channels: Int, isInterior: Bool = false) -> Int {
        network.tensors.append(
            .init(
                height: height, width: width, channels: channels, scale: Float.random(in: 0.01...0.1, using: &random),
                zeroPoint: UInt8.random(in: 0...255, using: &random), isInterior: isInterior))
        return network.tensors.count - 1
    }

    private mutating func clamp() -> (min: UInt8, max: UInt8) {
        number(0...1) == 0 ? (0, 255) : (UInt8(number(0...30)), UInt8(number(200...255)))
    }

    private mutating func window(_ code: ModelLayout.OpCode, _ input: Int, strides: [Int]) -> (ModelFileBuilder.Op, height: Int, width: Int) {
        let (h, w) = (network.tensors[input].height, network.tensors[input].width)
        // Kernels that fit, 3×3 and 5×5 mostly.
        let (kh, kw) = number(0...3) > 0 ? (h > 2 && number(0...1) > 0 ? 5 : 3, 0) : (number(1...3), number(1...5))
        let kernel = (height: kh, width: kw == 0 ? kh : kw)
        let stride = (height: pick(strides), width: pick(strides))
        func pads(_ size: Int, _ kernel: Int, _ random: inout SplitMix64) -> (Int, Int) {
            let before = kernel > size ? kernel - 1 : Int.random(in: kernel / 2...max(kernel / 2, kernel - 1), using: &random)
            return (before, kernel > size ? kernel - 1 : kernel / 2)
        }
        let (top, bottom) = pads(h, kernel.height, &random)
        let (left, right) = pads(w, kernel.width, &random)
        return (
            .init(
                code: code, inputs: [input], output: 0, kernel: kernel, stride: stride, pads: (top, bottom, left, right), clamp: clamp()),
            (h + top + bottom - kernel.height) / stride.height + 1, (w + left + right - kernel.width) / stride.width + 1
        )
    }

    /// The block's output.
    private mutating func block(_ input: Int, expand: ModelLayout.OpCode?, wide: Int, narrow: Int, adds: Bool) -> Int {
        let first = network.ops.count
        var image = input
        if expand == .convolution {
            var (op, height, width) = window(.convolution, image, strides: [1, 2])
            op.padPixel = [124, 116, 104, 0]
            op.output = tensor(height, width, wide, isInterior: true)
            network.ops.append(op)
            image = op.output
        } else if expand != nil {
            let from = network.tensors[image]
            let output = tensor(from.height, from.width, wide, isInterior: true)
            network.ops.append(.init(code: .pointwise, inputs: [image], output: output, clamp: clamp()))
            image = output
        }
        var (depthwise, height, width) = window(.depthwise, image, strides: [1, 1, 2])
        if adds {
            // As large as its input.
            let side = pick([3, 5])
            (depthwise.kernel, depthwise.stride) = ((side, side), (1, 1))
            depthwise.pads = (side / 2, side / 2, side / 2, side / 2)
            (height, width) = (network.tensors[image].height, network.tensors[image].width)
        }
        depthwise.output = tensor(height, width, network.tensors[image].channels, isInterior: true)
        network.ops.append(depthwise)
        image = tensor(height, width, narrow, isInterior: adds)
        network.ops.append(.init(code: .pointwise, inputs: [depthwise.output], output: image, clamp: clamp()))
        if adds {
            let sum = tensor(height, width, narrow)
            // Either may come first.
            let inputs = number(0...1) == 0 ? [image, input] : [input, image]
            network.ops.append(.init(code: .add, inputs: inputs, output: sum, clamp: clamp(), scale0: 0.7, scale1: 0.6))
            image = sum
        }
        network.ops[first].blockLength = network.ops.count - first
        return image
    }

    /// Three images beside each other (of a pointwise alone, of a block, of a pool that is copied), then vectors beside each other.
    private mutating func joinedHead(_ image: Int) {
        let (height, width) = (network.tensors[image].height, network.tensors[image].width)
        let channels = [number(1...40), number(1...20), network.tensors[image].channels]
        let joined = tensor(height, width, channels.reduce(0, +))
        var parts: [Int] = []
        for (index, count) in channels.enumerated() {
            var part = network.tensors[joined]
            part.channels = count
            if index < 2 {
                part.arenaOffset = network.arenaOffsets[joined] + channels[..<index].reduce(0, +)
                part.pixelStride = network.tensors[joined].channels
            }
            network.tensors.append(part)
            parts.append(network.tensors.count - 1)
        }
        network.ops.append(.init(code: .pointwise, inputs: [image], output: parts[0], clamp: clamp()))
        let inside = tensor(height, width, network.tensors[image].channels, isInterior: true)
        network.ops.append(
            .init(
                code: .depthwise, inputs: [image], output: inside, kernel: (3, 3), stride: (1, 1), pads: (1, 1, 1, 1), clamp: clamp(),
                blockLength: 2))
        network.ops.append(.init(code: .pointwise, inputs: [inside], output: parts[1], clamp: clamp()))
        network.ops.append(
            .init(code: .table, inputs: [image], output: parts[2], table: (0..<256).map { UInt8(255 - $0) }))
        network.ops.append(.init(code: .concat, inputs: parts, output: joined))

        let vectors = tensor(1, 1, 2 * network.tensors[joined].channels)
        var halves: [Int] = []
        for index in 0..<2 {
            var half = network.tensors[joined]
            (half.height, half.width) = (1, 1)
            half.arenaOffset = network.arenaOffsets[vectors] + index * half.channels
            half.pixelStride = 2 * half.channels
            network.tensors.append(half)
            halves.append(network.tensors.count - 1)
        }
        network.tensors[vectors].scale = network.tensors[joined].scale
        network.tensors[vectors].zeroPoint = network.tensors[joined].zeroPoint
        network.ops.append(.init(code: .globalMaxPool, inputs: [joined], output: halves[0]))
        network.ops.append(
            .init(
                code: .globalAveragePool, inputs: [joined], output: halves[1], clamp: (0, 255), scale0: 1 / Float(height * width)))
        network.ops.append(.init(code: .concat, inputs: halves, output: vectors))
        let logits = tensor(1, 1, 7)
        network.ops.append(.init(code: .fullyConnected, inputs: [vectors], output: logits, clamp: (0, 255)))
    }
}
