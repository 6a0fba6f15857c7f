// InputNormalization: what a network does to its photo before anything else, a factor and an offset a channel, goes into
// the photo's mean and deviation. Networks that are exported with their normalization inside (pixel/127.5 − 1, or
// (x − mean)/std as nodes) then read the bytes as all others do: no op of the device, no rounding for it. Left out: what
// other nodes read beside it, and factors that are not positive; those become a 1×1 convolution (BatchNormFolding).

import ModelGraph

package enum InputNormalization {
    /// - Returns: the graph without batch norms right after the photo, and the metadata that stands for them: with x =
    ///   (pixel − mean)/deviation, a·x + b is (pixel − (mean − b·deviation/a)) / (deviation/a). A note says so.
    /// - Throws: `GraphError` where a weight is missing.
    package static func folded(_ graph: FloatGraph, _ metadata: ModelMetadata) throws -> (FloatGraph, ModelMetadata) {
        var (graph, metadata) = (graph, metadata)
        var folded: [String] = []
        while let index = graph.nodes.firstIndex(where: { $0.inputs.contains(graph.input.name) }),
            case .batchNorm = graph.nodes[index].op, graph.consumerCount(of: graph.input.name) == 1,
            graph.nodes[index].output != graph.output, graph.input.channels == metadata.mean.count
        {
            let node = graph.nodes[index]
            let affine = try ChannelAffine(node, graph.weights)
            let deviation = zip(metadata.standardDeviation, affine.factor).map { Double($0) / $1 }
            let mean = zip(metadata.mean, zip(affine.offset, deviation)).map { Double($0) - $1.0 * $1.1 }
            guard deviation.allSatisfy({ $0 > 0 && Float($0).isFinite && Float($0) > 0 }),
                mean.allSatisfy({ Float($0).isFinite })
            else { break }
            metadata.mean = mean.map { Float($0) }
            metadata.standardDeviation = deviation.map { Float($0) }
            graph.nodes.remove(at: index)
            for reader in graph.nodes.indices {
                graph.nodes[reader].inputs = graph.nodes[reader].inputs.map {
                    $0 == node.output ? graph.input.name : $0
                }
            }
            folded.append("'\(node.name)'")
        }
        if !folded.isEmpty {
            graph.notes.append(
                "the network normalizes its photo itself (\(folded.joined(separator: ", "))): that went into mean"
                    + " \(metadata.mean.said) and std \(metadata.standardDeviation.said)")
        }
        return (graph, metadata)
    }
}

extension [Float] {
    fileprivate var said: String { map { String(($0 * 1000).rounded() / 1000) }.joined(separator: " ") }
}
