// GlobalAveragePool: H×W×C → 1×1×C. The division is in the scale: out = quantize(Σ(in − z), scale0).

import CTinyKernels

struct GlobalAveragePoolOp {
    private let input, output, pixels, channels: Int
    private let zeroPointIn, zeroPoint, clampMin, clampMax: UInt8
    private let multiplier: Float

    /// 255 · 2²³ < 2³¹: the sum is exact in 32 bits.
    private static let mostPixels = 1 << 23

    init(preparing context: OpContext) throws(ModelError) {
        try context.requireInputs(1)
        try context.requireOnly([.clamp, .scale0])
        try context.requireClamp()
        let (input, output) = (context.input(0), context.output)
        try context.require(output.pixels == 1 && input.channels == output.channels, .shapesDisagree)
        try context.require(input.pixels <= Self.mostPixels, .accumulatorOverflow)
        try context.requireScale(context.op.scale0, largest: 255 * Float(input.pixels))
        self.input = input.arenaOffset
        self.output = output.arenaOffset
        pixels = input.pixels
        channels = input.channels
        zeroPointIn = input.quantization.zeroPoint
        zeroPoint = output.quantization.zeroPoint
        clampMin = context.op.clampMin
        clampMax = context.op.clampMax
        multiplier = context.op.scale0
    }

    func run(_ context: RunContext) {
        tk_global_average_pool(
            context.kernels.elementwise.means, context.arena + input, context.arena + output, pixels, channels, zeroPointIn, multiplier,
            zeroPoint, clampMin, clampMax)
    }
}
