// MemoryPlan: checks the arena offsets that the converter chose. Each tensor is written by one op (the input by the caller) and lives
// from there to the last op that reads it (the output to the end); an op's output may lie over no tensor that lives then. Add, multiply
// and table may write exactly where an input of theirs stands that nothing needs later.

enum MemoryPlan {
    /// Cost: ops × tensors.
    static func check(tensors: [ModelTensor], ops: [ModelOp], input: Int, output: Int) throws(ModelError) {
        var lastUse = [Int](repeating: -1, count: tensors.count)
        for (index, op) in ops.enumerated() {
            for position in 0..<op.inputCount { lastUse[op.input(position)] = index }
        }
        lastUse[output] = ops.count

        var isWritten = [Bool](repeating: false, count: tensors.count)
        isWritten[input] = true
        for (index, op) in ops.enumerated() {
            for position in 0..<op.inputCount where !isWritten[op.input(position)] {
                throw .op(index: index, .inputNotWrittenBefore)
            }
            guard !isWritten[op.output] else { throw .op(index: index, .outputWrittenTwice) }
            let target = tensors[op.output]
            for (other, tensor) in tensors.enumerated() where isWritten[other] && lastUse[other] >= index {
                guard tensor.arenaRange.overlaps(target.arenaRange) else { continue }
                // `other` dies here, so that it is an input of this op; the op's own checks say that its size is the output's.
                let isInPlace = lastUse[other] == index && tensor.arenaRange == target.arenaRange
                guard isInPlace && PreparedOp.worksInPlace(op.code) else {
                    throw .op(index: index, .outputOverlapsLiveTensor)
                }
            }
            isWritten[op.output] = true
        }
        for index in tensors.indices where !isWritten[index] { throw .tensor(index: index, .neverWritten) }
    }
}
