// BlockOp: [expand] → depthwise → project → [add] as the C kernels run it in strips (block.c), made of the ops that ModelSteps found to be a
// block. The same bytes as one op after another.

import CTinyKernels

struct BlockOp {
    private var block = tk_block()
    /// From the arena's start; without an addition the residual is not read.
    private var input = 0
    private var residual = 0
    private var output = 0

    /// - Parameter ops: of a block's form.
    init(_ ops: ArraySlice<PreparedOp>) {
        for op in ops {
            switch op {
            case .convolution(let op): append(op.weighted, TK_EXPAND_CONVOLUTION)
            case .pointwise(let op): append(op.weighted, TK_EXPAND_POINTWISE)
            case .depthwise(let op): append(op.weighted, TK_EXPAND_NONE)
            case .add(let op): append(op)
            default: break
            }
        }
    }

    /// - Parameter kind: what the op is where it expands; none: the depthwise.
    @inline(never) private mutating func append(_ op: WeightedOp, _ kind: tk_block_expand) {
        let isFirst = block.expand.weights == nil && block.depthwise.weights == nil
        if kind == TK_EXPAND_NONE {
            block.depthwise = op.descriptor
        } else if isFirst {
            block.expand = op.descriptor
            block.expand_kind = kind
        } else {
            block.project = op.descriptor
        }
        if isFirst { input = op.input }
        output = op.output
    }

    private mutating func append(_ add: AddOp) {
        // Both orders give the same sum.
        let projectIsA = add.a == output
        block.has_addition = 1
        block.addition = add.addition
        if !projectIsA {
            swap(&block.addition.scale_a, &block.addition.scale_b)
            swap(&block.addition.zero_point_a, &block.addition.zero_point_b)
        }
        residual = projectIsA ? add.b : add.a
        output = add.output
    }

    func run(_ context: RunContext) {
        withUnsafePointer(to: block) {
            tk_block_run(
                $0, context.kernels.table, context.pool, context.arena + input, context.arena + residual, context.arena + output,
                context.scratch)
        }
    }

    /// Of all threads together.
    func memoryBytes(_ kernels: KernelTable, threads: Int) -> Int {
        withUnsafePointer(to: block) { tk_block_memory($0, kernels.table, Int32(threads)) }
    }
}
