// OpPlaces: where an op may write, by its code: what the converter's planner may use, and the loader checks.

extension ModelLayout.OpCode {
    /// Whether the output may stand exactly where an input stands that nothing needs later: the kernel reads each byte before it writes it.
    public var worksInPlace: Bool {
        switch self {
        case .add, .multiply, .table: true
        case .convolution, .pointwise, .depthwise, .fullyConnected, .concat, .globalAveragePool, .globalMaxPool,
            .maxPool, .scaleChannels, .averagePool, .groupedConvolution:
            false
        }
    }

    /// Whether the kernel can leave gaps between the output's pixels, for those of a concat's other inputs.
    public var leavesGaps: Bool {
        switch self {
        case .convolution, .pointwise, .depthwise: true
        case .fullyConnected, .add, .multiply, .table, .concat, .globalAveragePool, .globalMaxPool, .maxPool, .scaleChannels,
            .averagePool, .groupedConvolution:
            false
        }
    }
}
