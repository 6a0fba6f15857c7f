// ModelSteps: what runs as one: each op alone, or a block: [pointwise | convolution] → depthwise → pointwise [→ add], whose tensors
// between the ops need no memory where the block runs in strips. Checks the blocks' form.

struct ModelSteps {
    /// Of op indices, in order, together all ops.
    let ranges: [Range<Int>]
    /// What the tensors inside one block take at most where its ops run one by one; a multiple of 64.
    let interiorBytes: Int

    /// - Parameters:
    ///   - tensors: those inside blocks get their places behind the arena.
    ///   - arenaEnd: a multiple of 64.
    init(ops: [ModelOp], tensors: inout [ModelTensor], arenaEnd: Int) throws(ModelError) {
        var reads = [Int](repeating: 0, count: tensors.count)
        for op in ops {
            for position in 0..<op.inputCount { reads[op.input(position)] += 1 }
        }
        var ranges: [Range<Int>] = []
        var isInside = [Bool](repeating: false, count: tensors.count)
        var interiorBytes = 0
        var first = 0
        while first < ops.count {
            let length = ops[first].blockLength
            guard length != 0 else {
                ranges.append(first..<first + 1)
                first += 1
                continue
            }
            guard length == Self.blockLength(ops[first...], wanted: length) else { throw .op(index: first, .block) }
            var end = 0
            for index in first..<first + length - 1 {
                let output = ops[index].output
                // Nobody else needs it.
                guard reads[output] == 1, ops[index + 1].reads(output) else { throw .op(index: index, .block) }
                guard tensors[output].isInterior else { throw .tensor(index: output, .interior) }
                isInside[output] = true
                tensors[output].arenaOffset = arenaEnd + end
                let bytes = (tensors[output].bytes + ModelLayout.alignment - 1) / ModelLayout.alignment * ModelLayout.alignment
                guard bytes <= Int(ModelLayout.Limit.arenaBytes) - end else { throw .tensor(index: output, .emptyOrTooLarge) }
                end += bytes
            }
            interiorBytes = max(interiorBytes, end)
            ranges.append(first..<first + length)
            first += length
        }
        for index in tensors.indices where tensors[index].isInterior && !isInside[index] {
            throw .tensor(index: index, .interior)
        }
        self.ranges = ranges
        self.interiorBytes = interiorBytes
    }

    /// How many of the first ops, at most `wanted`, have a block's form; nil where they have not.
    private static func blockLength(_ ops: ArraySlice<ModelOp>, wanted: Int) -> Int? {
        var next = ops.startIndex
        func code(_ index: Int) -> ModelLayout.OpCode? {
            // A block does not begin inside another.
            guard index < ops.endIndex, index == ops.startIndex || ops[index].blockLength == 0 else { return nil }
            return ops[index].code
        }
        if let code = code(next), code == .pointwise || code == .convolution { next += 1 }
        guard code(next) == .depthwise, code(next + 1) == .pointwise else { return nil }
        next += 2
        if next - ops.startIndex < wanted, code(next) == .add { next += 1 }
        return next - ops.startIndex
    }
}

extension ModelOp {
    fileprivate func reads(_ tensor: Int) -> Bool {
        for position in 0..<inputCount where input(position) == tensor { return true }
        return false
    }
}
