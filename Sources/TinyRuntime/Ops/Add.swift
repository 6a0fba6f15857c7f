// Add: two tensors of one shape, each with its own scale. out = quantize((a − za)·scale0 + (b − zb)·scale1).

import CTinyKernels

struct AddOp {
    private let a, b, output, count: Int
    private let zeroPointA, zeroPointB, zeroPoint, clampMin, clampMax: UInt8
    private let scaleA, scaleB: Float

    init(preparing context: OpContext) throws(ModelError) {
        try context.requireInputs(2)
        try context.requireOnly([.clamp, .scale0, .scale1])
        try context.requireClamp()
        let (a, b, output) = (context.input(0), context.input(1), context.output)
        try context.require(a.hasShape(of: output) && b.hasShape(of: output), .shapesDisagree)
        try context.requireScale(context.op.scale0, largest: 255)
        try context.requireScale(context.op.scale1, largest: 255)
        try context.requireScale(context.op.scale0 + context.op.scale1, largest: 255)
        self.a = a.arenaOffset
        self.b = b.arenaOffset
        self.output = output.arenaOffset
        count = output.bytes
        zeroPointA = a.quantization.zeroPoint
        zeroPointB = b.quantization.zeroPoint
        zeroPoint = output.quantization.zeroPoint
        clampMin = context.op.clampMin
        clampMax = context.op.clampMax
        scaleA = context.op.scale0
        scaleB = context.op.scale1
    }

    func run(_ context: RunContext) {
        tk_add__plain(
            context.arena + a, context.arena + b, context.arena + output, count, zeroPointA, zeroPointB, scaleA, scaleB,
            zeroPoint, clampMin, clampMax)
    }
}
