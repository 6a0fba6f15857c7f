// Concat: the inputs' channels one after another, pixel by pixel. Scales and zero points are the output's: bytes are copied, but for
// inputs that were written into the output.

import CTinyKernels

struct ConcatOp {
    private let inputCount: Int
    private var inputs = InlineArray<4, Int>(repeating: 0)
    private var channels = InlineArray<4, Int>(repeating: 0)
    private var isInPlace = InlineArray<4, Bool>(repeating: false)
    private let output, pixels, outputChannels: Int

    init(preparing context: OpContext) throws(ModelError) {
        try context.requireOnly([])
        try context.requireSameQuantization()
        inputCount = context.op.inputCount
        output = context.output.arenaOffset
        pixels = context.output.pixels
        outputChannels = context.output.channels
        var sum = 0
        for position in 0..<context.op.inputCount {
            let input = context.input(position)
            try context.require(
                input.height == context.output.height && input.width == context.output.width, .shapesDisagree)
            inputs[position] = input.arenaOffset
            channels[position] = input.channels
            isInPlace[position] = input.isInsideConcat
            sum += input.channels
        }
        try context.require(sum == outputChannels, .shapesDisagree)
    }

    func run(_ context: RunContext) {
        var offset = 0
        for position in 0..<inputCount {
            if !isInPlace[position] {
                tk_concat__plain(
                    context.arena + inputs[position], context.arena + output, pixels, channels[position], outputChannels,
                    offset)
            }
            offset += channels[position]
        }
    }
}
