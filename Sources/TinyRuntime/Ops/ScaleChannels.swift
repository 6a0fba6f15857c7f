// ScaleChannels: an image times one factor a channel. H×W×C and 1×1×C → H×W×C; out = quantize((a − za)·(f − zf), scale0).

import CTinyKernels

struct ScaleChannelsOp {
    private let input, factors, output, pixels, channels: Int
    private let zeroPointIn, zeroPointFactors, zeroPoint, clampMin, clampMax: UInt8
    private let multiplier: Float

    init(preparing context: OpContext) throws(ModelError) {
        try context.requireInputs(2)
        try context.requireOnly([.clamp, .scale0])
        try context.requireClamp()
        let (input, factors, output) = (context.input(0), context.input(1), context.output)
        try context.require(
            input.hasShape(of: output) && factors.pixels == 1 && factors.channels == input.channels, .shapesDisagree)
        try context.requireScale(context.op.scale0, largest: 255 * 255)
        self.input = input.arenaOffset
        self.factors = factors.arenaOffset
        self.output = output.arenaOffset
        pixels = input.pixels
        channels = input.channels
        zeroPointIn = input.quantization.zeroPoint
        zeroPointFactors = factors.quantization.zeroPoint
        zeroPoint = output.quantization.zeroPoint
        clampMin = context.op.clampMin
        clampMax = context.op.clampMax
        multiplier = context.op.scale0
    }

    func run(_ context: RunContext) {
        context.kernels.elementwise.scale_channels?(
            context.arena + input, context.arena + factors, context.arena + output, pixels, channels, zeroPointIn,
            zeroPointFactors, multiplier, zeroPoint, clampMin, clampMax)
    }
}
