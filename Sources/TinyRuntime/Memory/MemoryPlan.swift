// MemoryPlan: checks the arena offsets that the converter chose. Each tensor is written by one op (the input by the caller) and lives
// from there to the last step that reads it (the output to the end); an op's output may lie over no tensor that lives then. What a block
// reads lives during all of it. Add, multiply and table, where they are no part of a block, may write exactly where an input of theirs
// stands that nothing needs later. A tensor may be written straight to its place in the output of the concat that alone reads it.

struct MemoryPlan {
    private let tensors: [ModelTensor]
    private let ops: [ModelOp]
    /// Of each tensor, the last step that reads it.
    private var lastUse: [Int]
    /// Of each tensor inside a concat's output, that concat's index; else -1.
    private var concat: [Int]

    /// - Parameter steps: ranges of op indices that run as one.
    /// - Throws: the first op or tensor that breaks a rule.
    /// - Complexity: ops × tensors.
    static func check(
        tensors: [ModelTensor], ops: [ModelOp], steps: [Range<Int>], input: Int, output: Int
    ) throws(ModelError) {
        let plan = try MemoryPlan(tensors: tensors, ops: ops, steps: steps, input: input, output: output)
        for op in ops where op.code == .concat { try plan.checkParts(of: op) }
        var isWritten = [Bool](repeating: false, count: tensors.count)
        isWritten[input] = true
        for (step, range) in steps.enumerated() {
            for index in range {
                let op = ops[index]
                for position in 0..<op.inputCount where !isWritten[op.input(position)] {
                    throw .op(index: index, .inputNotWrittenBefore)
                }
                guard !isWritten[op.output] else { throw .op(index: index, .outputWrittenTwice) }
                try plan.checkOutput(of: index, step: step, isBlock: range.count > 1, isWritten: isWritten)
                isWritten[op.output] = true
            }
        }
        for index in tensors.indices where !isWritten[index] { throw .tensor(index: index, .neverWritten) }
    }

    private init(
        tensors: [ModelTensor], ops: [ModelOp], steps: [Range<Int>], input: Int, output: Int
    ) throws(ModelError) {
        self.tensors = tensors
        self.ops = ops
        lastUse = [Int](repeating: -1, count: tensors.count)
        concat = [Int](repeating: -1, count: tensors.count)
        var reads = [Int](repeating: 0, count: tensors.count)
        for (step, range) in steps.enumerated() {
            for index in range {
                let op = ops[index]
                for position in 0..<op.inputCount {
                    let tensor = op.input(position)
                    lastUse[tensor] = step
                    reads[tensor] += 1
                    if op.code == .concat && tensors[tensor].isInsideConcat { concat[tensor] = index }
                }
            }
        }
        lastUse[output] = steps.count
        for index in tensors.indices where tensors[index].isInsideConcat {
            guard reads[index] == 1, concat[index] >= 0, index != input, index != output else { throw .tensor(index: index, .pixelStride) }
        }
        for index in [input, output] where tensors[index].isInterior { throw .tensor(index: index, .interior) }
    }

    private func checkOutput(of index: Int, step: Int, isBlock: Bool, isWritten: [Bool]) throws(ModelError) {
        let (code, output) = (ops[index].code, ops[index].output)
        let target = tensors[output]
        guard !target.isInterior else { return }
        guard !target.isInsideConcat || target.pixels == 1 || code.leavesGaps else {
            throw .op(index: index, .outputInsideConcat)
        }
        for (other, tensor) in tensors.enumerated() where isWritten[other] && lastUse[other] >= step {
            guard !tensor.isInterior, tensor.arenaRange.overlaps(target.arenaRange) else { continue }
            // The parts of one concat lie beside each other, and it copies none of them.
            if concat[other] >= 0 && (concat[other] == index || concat[other] == concat[output]) { continue }
            // `other` dies here, so that it is an input of this op; the op's own checks say that its size is the output's.
            let isInPlace = lastUse[other] == step && tensor.arenaRange == target.arenaRange && !isBlock
            guard isInPlace && code.worksInPlace else { throw .op(index: index, .outputOverlapsLiveTensor) }
        }
    }

    /// What was written into the output of a concat stands where it would have been copied to.
    private func checkParts(of op: ModelOp) throws(ModelError) {
        let output = tensors[op.output]
        var place = output.arenaOffset
        for position in 0..<op.inputCount {
            let part = tensors[op.input(position)]
            if part.isInsideConcat && (part.arenaOffset != place || part.pixelStride != output.channels) {
                throw .tensor(index: op.input(position), .pixelStride)
            }
            place += part.channels
        }
    }
}
