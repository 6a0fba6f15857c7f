// OpWork: how much an op computes and stores, for the loader's limit and for people (`tiny inspect`).

extension ModelOp {
    /// Multiply-adds of the ops that have weights, padding included; 0 for the rest.
    public func multiplyAdds(_ tensors: [ModelTensor]) -> UInt64 {
        let outputs = UInt64(tensors[output].bytes)
        let channels = UInt64(tensors[input(0)].channels)
        switch code {
        case .convolution: return outputs * windowPixels * channels
        case .pointwise, .fullyConnected: return outputs * channels
        case .depthwise: return outputs * windowPixels
        case .groupedConvolution: return outputs * windowPixels * (channels / groups)
        case .add, .multiply, .scaleChannels, .table, .concat, .globalAveragePool, .globalMaxPool, .maxPool,
            .averagePool:
            return 0
        }
    }

    /// Bytes of weights, biases, multipliers and table in the file, padding included.
    public func constantBytes(_ tensors: [ModelTensor]) -> UInt64 {
        switch code {
        case .convolution, .pointwise, .depthwise, .fullyConnected:
            weightsBytes + 8 * ((UInt64(tensors[output].channels) + 15) / 16 * 16)
        case .groupedConvolution:
            weightsBytes + 8 * groups * ((UInt64(tensors[output].channels) / groups + 15) / 16 * 16)
        case .table: 256
        case .add, .multiply, .scaleChannels, .concat, .globalAveragePool, .globalMaxPool, .maxPool, .averagePool: 0
        }
    }

    /// Steps of the innermost loop. At most 2³⁰ · 2²⁸ an op.
    func work(_ tensors: [ModelTensor]) -> UInt64 {
        switch code {
        case .convolution, .pointwise, .depthwise, .fullyConnected: multiplyAdds(tensors)
        // The input is copied, group by group.
        case .groupedConvolution: multiplyAdds(tensors) + UInt64(tensors[input(0)].bytes)
        case .maxPool, .averagePool: UInt64(tensors[output].bytes) * windowPixels
        case .globalAveragePool, .globalMaxPool: UInt64(tensors[input(0)].bytes)
        case .add, .multiply, .scaleChannels, .table, .concat: UInt64(tensors[output].bytes)
        }
    }

    private var groups: UInt64 { UInt64(max(parameter, 1)) }
    private var windowPixels: UInt64 { UInt64(kernelHeight) * UInt64(kernelWidth) }
}
