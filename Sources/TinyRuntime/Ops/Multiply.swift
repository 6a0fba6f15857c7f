// Multiply: two tensors of one shape, value by value. out = quantize((a − za)·(b − zb), scale0).

import CTinyKernels

struct MultiplyOp {
    private let a, b, output, count: Int
    private let zeroPointA, zeroPointB, zeroPoint, clampMin, clampMax: UInt8
    private let multiplier: Float

    init(preparing context: OpContext) throws(ModelError) {
        try context.requireInputs(2)
        try context.requireOnly([.clamp, .scale0])
        try context.requireClamp()
        let (a, b, output) = (context.input(0), context.input(1), context.output)
        try context.require(a.hasShape(of: output) && b.hasShape(of: output), .shapesDisagree)
        try context.requireScale(context.op.scale0, largest: 255 * 255)
        self.a = a.arenaOffset
        self.b = b.arenaOffset
        self.output = output.arenaOffset
        count = output.bytes
        zeroPointA = a.quantization.zeroPoint
        zeroPointB = b.quantization.zeroPoint
        zeroPoint = output.quantization.zeroPoint
        clampMin = context.op.clampMin
        clampMax = context.op.clampMax
        multiplier = context.op.scale0
    }

    func run(_ context: RunContext) {
        context.kernels.elementwise.multiply?(
            context.arena + a, context.arena + b, context.arena + output, count, zeroPointA, zeroPointB, multiplier,
            zeroPoint, clampMin, clampMax)
    }
}
