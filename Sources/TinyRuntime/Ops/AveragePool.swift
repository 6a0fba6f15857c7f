// AveragePool: H×W×C → H'×W'×C; out = quantize(Σ(in − z), scale0 / n), n the window's pixels inside the image, or all of them.

import CTinyKernels

struct AveragePoolOp {
    private let input, output: Int
    private let descriptor: tk_convolution
    private let scale: Float
    private let countsPadding: Int32

    init(preparing context: OpContext) throws(ModelError) {
        try context.requireInputs(1)
        try context.requireOnly([.window, .clamp, .scale0, .parameter])
        try context.requireClamp()
        try context.requireWindow()
        try context.require(context.op.parameter <= 1, .window)
        let (input, output) = (context.input(0), context.output)
        try context.require(input.channels == output.channels, .shapesDisagree)
        // A sum is at most 255·n, scale0 / n is rounded once: their product stays below 256·scale0.
        try context.requireScale(context.op.scale0, largest: 256)
        self.input = input.arenaOffset
        self.output = output.arenaOffset
        var descriptor = context.pooling
        descriptor.pad_value = input.quantization.zeroPoint
        descriptor.output_zero_point = output.quantization.zeroPoint
        descriptor.clamp_min = context.op.clampMin
        descriptor.clamp_max = context.op.clampMax
        self.descriptor = descriptor
        scale = context.op.scale0
        countsPadding = Int32(context.op.parameter)
    }

    func run(_ context: RunContext) {
        withUnsafePointer(to: descriptor) {
            tk_average_pool(context.kernels.elementwise.means, $0, context.arena + input, context.arena + output, scale, countsPadding)
        }
    }
}
