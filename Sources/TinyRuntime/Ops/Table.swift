// Table: out[i] = table[in[i]]: sigmoid, ELU, a change of scale. The converter computed the 256 bytes.

import CTinyKernels

struct TableOp {
    private let input, output, count: Int
    private let table: UnsafePointer<UInt8>

    init(preparing context: OpContext, constants: inout ConstantPool) throws(ModelError) {
        try context.requireInputs(1)
        try context.requireOnly([.table])
        try context.require(context.input(0).hasShape(of: context.output), .shapesDisagree)
        table = try constants.takeTable(context.op.table, for: context).assumingMemoryBound(to: UInt8.self)
        input = context.input(0).arenaOffset
        output = context.output.arenaOffset
        count = context.output.bytes
    }

    func run(_ context: RunContext) {
        context.kernels.elementwise.table?(context.arena + input, context.arena + output, count, table)
    }
}
