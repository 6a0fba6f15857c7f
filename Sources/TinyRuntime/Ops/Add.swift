// Add: two tensors of one shape, each with its own scale. out = quantize((a − za)·scale0 + (b − zb)·scale1).

import CTinyKernels

struct AddOp {
    /// From the arena's start.
    let a, b, output: Int
    let addition: tk_addition
    private let count: Int

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
        addition = tk_addition(
            scale_a: context.op.scale0, scale_b: context.op.scale1, zero_point_a: a.quantization.zeroPoint,
            zero_point_b: b.quantization.zeroPoint, output_zero_point: output.quantization.zeroPoint,
            clamp_min: context.op.clampMin, clamp_max: context.op.clampMax)
    }

    func run(_ context: RunContext) {
        withUnsafePointer(to: addition) {
            context.kernels.elementwise.add?($0, context.arena + a, context.arena + b, context.arena + output, count)
        }
    }
}
