// OpContext: what an op's `prepare` checks its record against, and the checks that several ops share.

/// Groups of fields of an op's record; those that an op does not use must be zero.
struct OpFields: OptionSet {
    let rawValue: UInt8
    static let window = OpFields(rawValue: 1)  // kernel, strides, pads
    static let clamp = OpFields(rawValue: 2)
    static let padPixel = OpFields(rawValue: 4)
    static let weights = OpFields(rawValue: 8)  // weights, bias, multiplier
    static let table = OpFields(rawValue: 16)
    static let scale0 = OpFields(rawValue: 32)
    static let scale1 = OpFields(rawValue: 64)
    static let parameter = OpFields(rawValue: 128)
}

struct OpContext {
    let index: Int
    let op: ModelOp
    let tensors: [ModelTensor]

    var output: ModelTensor { tensors[op.output] }
    func input(_ position: Int) -> ModelTensor { tensors[op.input(position)] }
    func failure(_ problem: OpProblem) -> ModelError { .op(index: index, problem) }

    func require(_ condition: Bool, _ problem: OpProblem) throws(ModelError) {
        if !condition { throw .op(index: index, problem) }
    }

    func requireInputs(_ count: Int) throws(ModelError) { try require(op.inputCount == count, .inputCount) }

    func requireOnly(_ used: OpFields) throws(ModelError) {
        var set: OpFields = []
        let window = op.kernelHeight | op.kernelWidth | op.strideHeight | op.strideWidth
        if window | op.padTop | op.padBottom | op.padLeft | op.padRight != 0 { set.insert(.window) }
        if op.clampMin | op.clampMax != 0 { set.insert(.clamp) }
        for channel in 0..<4 where op.padPixel[channel] != 0 { set.insert(.padPixel) }
        if op.weights | op.weightsBytes | op.bias | op.multiplier != 0 { set.insert(.weights) }
        if op.table != 0 { set.insert(.table) }
        if op.scale0.bitPattern != 0 { set.insert(.scale0) }
        if op.scale1.bitPattern != 0 { set.insert(.scale1) }
        if op.parameter != 0 { set.insert(.parameter) }
        try require(set.isSubset(of: used), .unusedFieldNotZero)
    }

    func requireClamp() throws(ModelError) { try require(op.clampMin <= op.clampMax, .clamp) }

    /// A factor of a sum that is at most `largest` must be finite, not negative, and leave the product below 2³¹, where conversion to an
    /// integer is exact on every CPU.
    func requireScale(_ scale: Float, largest: Float) throws(ModelError) {
        try require(scale >= 0 && largest * scale < 0x1p31, .scale)
    }

    /// The op copies bytes, so that they must mean the same before and after.
    func requireSameQuantization() throws(ModelError) {
        for position in 0..<op.inputCount {
            try require(input(position).quantization == output.quantization, .quantizationDiffers)
        }
    }

    /// Kernel, strides and pads, and the output's height and width that follow from them (rounded down, as in PyTorch and ONNX). Pads are
    /// smaller than the kernel, so that every window holds at least one pixel of the image.
    func requireWindow() throws(ModelError) {
        try requireAxis(
            input: input(0).height, output: output.height, kernel: op.kernelHeight, stride: op.strideHeight,
            before: op.padTop, after: op.padBottom)
        try requireAxis(
            input: input(0).width, output: output.width, kernel: op.kernelWidth, stride: op.strideWidth,
            before: op.padLeft, after: op.padRight)
    }

    private func requireAxis(
        input: Int, output: Int, kernel: Int, stride: Int, before: Int, after: Int
    ) throws(ModelError) {
        try require(kernel >= 1 && kernel <= Int(ModelLayout.Limit.kernelSide) && stride >= 1, .window)
        try require(before < kernel && after < kernel, .window)
        let padded = input + before + after
        try require(padded >= kernel, .window)
        try require(output == (padded - kernel) / stride + 1, .shapesDisagree)
    }
}
