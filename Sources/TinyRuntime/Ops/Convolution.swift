// Convolution: dense, any kernel, stride and padding. H×W×C → H'×W'×N; K = kernel height · kernel width · C.

struct ConvolutionOp {
    let weighted: WeightedOp

    init(preparing context: OpContext, constants: inout ConstantPool) throws(ModelError) {
        try context.requireInputs(1)
        let channels = context.input(0).channels
        try context.requireOnly(channels <= 4 ? [.window, .clamp, .weights, .padPixel] : [.window, .clamp, .weights])
        for channel in channels..<max(channels, 4) {
            try context.require(context.op.padPixel[channel] == 0, .unusedFieldNotZero)
        }
        try context.requireWindow()
        let values = UInt64(context.op.kernelHeight) * UInt64(context.op.kernelWidth) * UInt64(channels)
        weighted = try WeightedOp(
            preparing: context, constants: &constants, packing: .dense(valuesPerChannel: values), window: true)
    }

    func run(_ context: RunContext) { weighted.run(context.kernels.convolution, context) }
}
