// PreparedOp: an op whose record has been checked and whose constants have been found: the closed set of ops, and the one switch over
// it for each of prepare and run. Adding one: docs/adding-an-op.md.

enum PreparedOp {
    case convolution(ConvolutionOp)
    case pointwise(PointwiseOp)
    case depthwise(DepthwiseOp)
    case fullyConnected(FullyConnectedOp)
    case add(AddOp)
    case multiply(MultiplyOp)
    case table(TableOp)
    case concat(ConcatOp)
    case globalAveragePool(GlobalAveragePoolOp)
    case globalMaxPool(GlobalMaxPoolOp)
    case maxPool(MaxPoolOp)
    case scaleChannels(ScaleChannelsOp)
    case averagePool(AveragePoolOp)
    case groupedConvolution(GroupedConvolutionOp)

    /// Checks everything that `run` relies on.
    init(preparing context: OpContext, constants: inout ConstantPool) throws(ModelError) {
        switch context.op.code {
        case .convolution: self = .convolution(try ConvolutionOp(preparing: context, constants: &constants))
        case .pointwise: self = .pointwise(try PointwiseOp(preparing: context, constants: &constants))
        case .depthwise: self = .depthwise(try DepthwiseOp(preparing: context, constants: &constants))
        case .fullyConnected: self = .fullyConnected(try FullyConnectedOp(preparing: context, constants: &constants))
        case .add: self = .add(try AddOp(preparing: context))
        case .multiply: self = .multiply(try MultiplyOp(preparing: context))
        case .table: self = .table(try TableOp(preparing: context, constants: &constants))
        case .concat: self = .concat(try ConcatOp(preparing: context))
        case .globalAveragePool: self = .globalAveragePool(try GlobalAveragePoolOp(preparing: context))
        case .globalMaxPool: self = .globalMaxPool(try GlobalMaxPoolOp(preparing: context))
        case .maxPool: self = .maxPool(try MaxPoolOp(preparing: context))
        case .scaleChannels: self = .scaleChannels(try ScaleChannelsOp(preparing: context))
        case .averagePool: self = .averagePool(try AveragePoolOp(preparing: context))
        case .groupedConvolution:
            self = .groupedConvolution(try GroupedConvolutionOp(preparing: context, constants: &constants))
        }
    }

    /// Checks nothing.
    func run(_ context: RunContext) {
        switch self {
        case .convolution(let op): op.run(context)
        case .pointwise(let op): op.run(context)
        case .depthwise(let op): op.run(context)
        case .fullyConnected(let op): op.run(context)
        case .add(let op): op.run(context)
        case .multiply(let op): op.run(context)
        case .table(let op): op.run(context)
        case .concat(let op): op.run(context)
        case .globalAveragePool(let op): op.run(context)
        case .globalMaxPool(let op): op.run(context)
        case .maxPool(let op): op.run(context)
        case .scaleChannels(let op): op.run(context)
        case .averagePool(let op): op.run(context)
        case .groupedConvolution(let op): op.run(context)
        }
    }

    /// Bytes of scratch memory that the op's kernel wants.
    func scratchBytes(_ kernels: KernelTable) -> Int {
        switch self {
        case .convolution(let op): kernels.convolution.scratch(op.weighted)
        case .pointwise(let op): kernels.pointwise.scratch(op.weighted)
        case .depthwise(let op): kernels.depthwise.scratch(op.weighted)
        case .fullyConnected(let op): kernels.fullyConnected.scratch(op.weighted)
        case .groupedConvolution(let op): op.scratchBytes(kernels)
        case .add, .multiply, .table, .concat, .globalAveragePool, .globalMaxPool, .maxPool, .scaleChannels,
            .averagePool:
            0
        }
    }
}

/// Where an op runs: one session's memory and threads, and the kernels that it chose.
struct RunContext {
    let arena: UnsafeMutablePointer<UInt8>
    let scratch: UnsafeMutableRawPointer
    let scratchStride: Int
    let kernels: KernelTable
    /// nil: the caller is the only thread.
    let pool: OpaquePointer?
}
