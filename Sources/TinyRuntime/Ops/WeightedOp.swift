// WeightedOp: what the five ops with weights share: finding and checking weights, biases and multipliers, and the C kernels' description
// of the op. The bounds are docs/arithmetic.md's: with them no sum overflows 32 bits and no product leaves the integers' range.

import CTinyKernels

struct WeightedOp {
    /// Of the first group, where there are several.
    let descriptor: tk_convolution
    /// From the arena's start.
    let input: Int
    let output: Int
    /// Multiplications from which an op is divided: some 4 µs of an AVX-512 core, about what it costs to call another thread.
    private static let leastWorkForThreads: UInt64 = 400_000
    private let isWorthThreads: Bool
    private let isGrouped: Bool

    enum Packing {
        /// [N/16][K/4][16][4], K values a channel
        case dense(valuesPerChannel: UInt64)
        /// [C/16][taps][16]
        case depthwise(taps: UInt64)

        /// Padding included.
        var valuesPerChannel: UInt64 {
            switch self {
            case .dense(let values): (values + 3) / 4 * 4
            case .depthwise(let taps): taps
            }
        }
    }

    /// - Parameters:
    ///   - groups: parts that the channels of input and output fall into (and divide); constants are packed part by part.
    ///   - window: false where kernel and strides are 1 and the record leaves them zero.
    init(
        preparing context: OpContext, constants: inout ConstantPool, packing: Packing, groups: Int = 1, window: Bool
    ) throws(ModelError) {
        let op = context.op
        let (from, to) = (context.input(0), context.output)
        try context.requireClamp()
        let channels = UInt64(to.channels / groups)
        let padded = (channels + 15) / 16 * 16 * UInt64(groups)
        let weightsBytes = padded * packing.valuesPerChannel
        try context.require(op.weightsBytes == weightsBytes, .constantOfWrongSize)
        let weights = try constants.take(op.weights, bytes: weightsBytes, for: context)
        let bias = try constants.take(op.bias, bytes: 4 * padded, for: context)
        let multiplier = try constants.take(op.multiplier, bytes: 4 * padded, for: context)

        var descriptor = tk_convolution()
        descriptor.input_height = Int32(from.height)
        descriptor.input_width = Int32(from.width)
        descriptor.input_channels = Int32(from.channels / groups)
        descriptor.output_height = Int32(to.height)
        descriptor.output_width = Int32(to.width)
        descriptor.output_channels = Int32(to.channels / groups)
        descriptor.kernel_height = window ? Int32(op.kernelHeight) : 1
        descriptor.kernel_width = window ? Int32(op.kernelWidth) : 1
        descriptor.stride_height = window ? Int32(op.strideHeight) : 1
        descriptor.stride_width = window ? Int32(op.strideWidth) : 1
        descriptor.pad_top = Int32(op.padTop)
        descriptor.pad_left = Int32(op.padLeft)
        descriptor.input_stride = descriptor.input_channels
        // A group's own are apart in any case; its kernel knows by how much.
        descriptor.output_stride = groups > 1 ? descriptor.output_channels : Int32(to.pixelStride)
        descriptor.weights = weights.assumingMemoryBound(to: Int8.self)
        descriptor.bias = bias.assumingMemoryBound(to: Int32.self)
        descriptor.multiplier = multiplier.assumingMemoryBound(to: Float.self)
        let zeroPoint = from.quantization.zeroPoint
        descriptor.pad_value = zeroPoint
        // Only a dense convolution of few channels names a pixel; the rest are padded with zero.
        let named = op.code == .convolution && from.channels <= 4
        descriptor.pad_pixel.0 = named ? op.padPixel[0] : zeroPoint
        descriptor.pad_pixel.1 = named ? op.padPixel[1] : zeroPoint
        descriptor.pad_pixel.2 = named ? op.padPixel[2] : zeroPoint
        descriptor.pad_pixel.3 = named ? op.padPixel[3] : zeroPoint
        descriptor.output_zero_point = to.quantization.zeroPoint
        descriptor.clamp_min = op.clampMin
        descriptor.clamp_max = op.clampMax
        self.descriptor = descriptor
        input = from.arenaOffset
        output = to.arenaOffset
        let multiplications = UInt64(to.pixels) * weightsBytes
        isWorthThreads = multiplications >= Self.leastWorkForThreads
        isGrouped = groups > 1
        for group in 0..<groups {
            try Self.checkValues(descriptor, group: group, packing: packing, context: context)
        }
    }

    func run(_ kernel: KernelTable.Kernel, _ context: RunContext) {
        withUnsafePointer(to: descriptor) { run(kernel.run, $0, context) }
    }

    /// - Parameter descriptor: this op's, as `function` wants it.
    func run(
        _ function: KernelTable.Function, _ descriptor: UnsafePointer<tk_convolution>, _ context: RunContext
    ) {
        let pool = isWorthThreads ? context.pool : nil
        let (from, to) = (context.arena + input, context.arena + output)
        if isGrouped {
            tk_pool_run_rows(pool, function, descriptor, from, to, context.scratch, context.scratchStride)
        } else {
            tk_pool_run(pool, function, descriptor, from, to, context.scratch, context.scratchStride)
        }
    }

    /// Blocks of 16 channels one after another; in each, Σ|w| a channel.
    private static func checkValues(
        _ op: tk_convolution, group: Int, packing: Packing, context: OpContext
    ) throws(ModelError) {
        let channels = Int(op.output_channels)
        let blockBytes = 16 * Int(packing.valuesPerChannel)
        guard var weights = op.weights, var bias = op.bias, var multiplier = op.multiplier else { return }
        let blocks = (channels + 15) / 16
        weights += group * blocks * blockBytes
        bias += group * blocks * 16
        multiplier += group * blocks * 16
        var sums = InlineArray<16, UInt64>(repeating: 0)
        for first in stride(from: 0, to: channels, by: 16) {
            let block = weights + first / 16 * blockBytes
            var areSound = true
            withUnsafeMutableBytes(of: &sums) { bytes in
                guard let sums = bytes.baseAddress?.assumingMemoryBound(to: UInt64.self) else { return }
                areSound =
                    switch packing {
                    case .dense: tk_sum_dense_weights(block, blockBytes / 64, sums)
                    case .depthwise: tk_sum_depthwise_weights(block, blockBytes / 16, sums)
                    }
            }
            try context.require(areSound, .weightOutOfRange)
            if case .dense(let values) = packing, values % 4 != 0 {
                for cell in (blockBytes / 4 - 16)..<(blockBytes / 4) {
                    for value in Int(values % 4)..<4 {
                        try context.require(block[4 * cell + value] == 0, .packingNotZero)
                    }
                }
            }
            for channel in 0..<16 {
                let (bias, multiplier) = (bias[first + channel], multiplier[first + channel])
                guard first + channel < channels else {
                    let isZero = sums[channel] == 0 && bias == 0 && multiplier.bitPattern == 0
                    try context.require(isZero, .packingNotZero)
                    continue
                }
                let largest = UInt64(bias.magnitude) + 255 * sums[channel]
                try context.require(largest <= UInt64(Int32.max), .accumulatorOverflow)
                // The kernels' own arithmetic: rounding is monotonic, so no smaller sum gives a larger product.
                let product = Float(largest) * multiplier
                try context.require(multiplier >= 0 && multiplier.isFinite && product < 0x1p31, .multiplier)
            }
        }
    }
}
