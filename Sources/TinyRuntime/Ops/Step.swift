// Step: what a session runs between two looks at its cancellation: an op, or a block of them.

enum Step {
    case op(PreparedOp)
    case block(BlockOp)

    /// - Parameter ops: one of `model.steps`, or a single op's index.
    @inline(never) init(_ ops: Range<Int>, of model: EdgeModel) {
        self = ops.count > 1 ? .block(BlockOp(model.prepared[ops])) : .op(model.prepared[ops.lowerBound])
    }

    /// Checks nothing.
    func run(_ context: RunContext) {
        switch self {
        case .op(let op): op.run(context)
        case .block(let block): block.run(context)
        }
    }
}
