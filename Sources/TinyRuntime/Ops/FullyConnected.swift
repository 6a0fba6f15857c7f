// FullyConnected: 1×1×K → 1×1×N.

struct FullyConnectedOp {
    let weighted: WeightedOp

    init(preparing context: OpContext, constants: inout ConstantPool) throws(ModelError) {
        try context.requireInputs(1)
        try context.requireOnly([.clamp, .weights])
        let (input, output) = (context.input(0), context.output)
        try context.require(input.pixels == 1 && output.pixels == 1, .shapesDisagree)
        weighted = try WeightedOp(
            preparing: context, constants: &constants, packing: .dense(valuesPerChannel: UInt64(input.channels)),
            window: false)
    }

    func run(_ context: RunContext) { weighted.run(context.kernels.fullyConnected, context) }
}
