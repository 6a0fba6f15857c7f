// Pointwise: 1×1, stride 1, no padding. H×W×K → H×W×N.

struct PointwiseOp {
    let weighted: WeightedOp

    init(preparing context: OpContext, constants: inout ConstantPool) throws(ModelError) {
        try context.requireInputs(1)
        try context.requireOnly([.clamp, .weights])
        let (input, output) = (context.input(0), context.output)
        try context.require(input.height == output.height && input.width == output.width, .shapesDisagree)
        weighted = try WeightedOp(
            preparing: context, constants: &constants, packing: .dense(valuesPerChannel: UInt64(input.channels)),
            window: false)
    }

    func run(_ context: RunContext) { weighted.run(context.kernels.pointwise, context) }
}
