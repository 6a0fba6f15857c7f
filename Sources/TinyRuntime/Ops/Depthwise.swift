// Depthwise: each channel has a kernel of its own. H×W×C → H'×W'×C.

struct DepthwiseOp {
    let weighted: WeightedOp

    init(preparing context: OpContext, constants: inout ConstantPool) throws(ModelError) {
        try context.requireInputs(1)
        try context.requireOnly([.window, .clamp, .weights])
        try context.requireWindow()
        try context.require(context.input(0).channels == context.output.channels, .shapesDisagree)
        let taps = UInt64(context.op.kernelHeight) * UInt64(context.op.kernelWidth)
        weighted = try WeightedOp(
            preparing: context, constants: &constants, packing: .depthwise(taps: taps), window: true)
    }

    func run(_ context: RunContext) { weighted.run(context.kernels.depthwise, context) }
}
