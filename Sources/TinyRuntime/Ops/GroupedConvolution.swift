// GroupedConvolution: the channels fall into groups, and each group is a dense convolution of its own. H×W×C → H'×W'×N; K = kernel height ·
// kernel width · C/groups. The plain kernels loop; the other sets gather a group and call their dense kernel.

import CTinyKernels

struct GroupedConvolutionOp {
    private let weighted: WeightedOp
    private let groups: Int32

    init(preparing context: OpContext, constants: inout ConstantPool) throws(ModelError) {
        try context.requireInputs(1)
        try context.requireOnly([.window, .clamp, .weights, .parameter])
        try context.requireWindow()
        let (groups, channels) = (context.op.parameter, context.input(0).channels)
        try context.require(
            groups >= 2 && channels % groups == 0 && context.output.channels % groups == 0, .shapesDisagree)
        let values = UInt64(context.op.kernelHeight) * UInt64(context.op.kernelWidth) * UInt64(channels / groups)
        weighted = try WeightedOp(
            preparing: context, constants: &constants, packing: .dense(valuesPerChannel: values), groups: groups,
            window: true)
        self.groups = Int32(groups)
    }

    func run(_ context: RunContext) {
        if context.kernels.isPlain {
            withGroups(context.kernels) { weighted.run(tk_grouped_convolution__plain, $0, context) }
        } else {
            withGroups(context.kernels) { weighted.run(tk_grouped_convolution, $0, context) }
        }
    }

    func scratchBytes(_ kernels: KernelTable) -> Int {
        if kernels.isPlain { return 0 }
        return withUnsafePointer(to: description(kernels)) { tk_grouped_convolution_scratch($0) }
    }

    private func description(_ kernels: KernelTable) -> tk_grouped {
        var description = tk_grouped()
        description.group = weighted.descriptor
        description.groups = groups
        description.dense = tk_convolution_kernel(
            run: kernels.convolution.run, scratch_bytes: kernels.convolution.scratchBytes)
        return description
    }

    /// The description by the address of its first member, as the kernels take it.
    private func withGroups(_ kernels: KernelTable, _ body: (UnsafePointer<tk_convolution>) -> Void) {
        withUnsafePointer(to: description(kernels)) {
            body(UnsafeRawPointer($0).assumingMemoryBound(to: tk_convolution.self))
        }
    }
}
