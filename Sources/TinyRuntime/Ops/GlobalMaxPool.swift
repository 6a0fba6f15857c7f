// GlobalMaxPool: H×W×C → 1×1×C, the largest byte of each channel.

import CTinyKernels

struct GlobalMaxPoolOp {
    private let input, output, pixels, channels: Int

    init(preparing context: OpContext) throws(ModelError) {
        try context.requireInputs(1)
        try context.requireOnly([])
        try context.requireSameQuantization()
        let (input, output) = (context.input(0), context.output)
        try context.require(output.pixels == 1 && input.channels == output.channels, .shapesDisagree)
        self.input = input.arenaOffset
        self.output = output.arenaOffset
        pixels = input.pixels
        channels = input.channels
    }

    func run(_ context: RunContext) {
        tk_global_max_pool(context.kernels.elementwise.largest, context.arena + input, context.arena + output, pixels, channels)
    }
}
