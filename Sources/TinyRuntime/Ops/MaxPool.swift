// MaxPool: H×W×C → H'×W'×C, the largest byte of each window; padding never wins.

import CTinyKernels

struct MaxPoolOp {
    private let input, output: Int
    private let descriptor: tk_convolution

    init(preparing context: OpContext) throws(ModelError) {
        try context.requireInputs(1)
        try context.requireOnly([.window])
        try context.requireSameQuantization()
        try context.requireWindow()
        let (input, output) = (context.input(0), context.output)
        try context.require(input.channels == output.channels, .shapesDisagree)
        self.input = input.arenaOffset
        self.output = output.arenaOffset
        descriptor = context.pooling
    }

    func run(_ context: RunContext) {
        withUnsafePointer(to: descriptor) { tk_max_pool(context.kernels.elementwise.largest, $0, context.arena + input, context.arena + output) }
    }
}

extension OpContext {
    /// The fields of the C description that a pool over windows uses.
    var pooling: tk_convolution {
        let (input, output) = (input(0), output)
        var descriptor = tk_convolution()
        descriptor.input_height = Int32(input.height)
        descriptor.input_width = Int32(input.width)
        descriptor.input_channels = Int32(input.channels)
        descriptor.output_height = Int32(output.height)
        descriptor.output_width = Int32(output.width)
        descriptor.output_channels = Int32(output.channels)
        descriptor.kernel_height = Int32(op.kernelHeight)
        descriptor.kernel_width = Int32(op.kernelWidth)
        descriptor.stride_height = Int32(op.strideHeight)
        descriptor.stride_width = Int32(op.strideWidth)
        descriptor.pad_top = Int32(op.padTop)
        descriptor.pad_left = Int32(op.padLeft)
        return descriptor
    }
}
