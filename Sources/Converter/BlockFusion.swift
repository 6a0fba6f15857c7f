// BlockFusion: finds the ops that the device runs as one, in strips whose wide activations stay in its nearest cache and take no place
// in the arena: [pointwise | convolution] → depthwise → pointwise [→ add], an inverted residual block (Sandler et al. 2018,
// "MobileNetV2", section 3.3) or what of one there is. The arithmetic is that of the ops one by one. Left out: moving ops, so that only
// neighbours in the order of execution are joined.

import TinyRuntime

package struct BlockedGraph: Sendable, Equatable {
    package let graph: QuantizedGraph
    /// What runs as one: ranges of op indices, in order, together all ops.
    package let steps: [Range<Int>]

    /// Only by `BlockFusion`.
    fileprivate init(graph: QuantizedGraph, steps: [Range<Int>]) {
        self.graph = graph
        self.steps = steps
    }
}

package enum BlockFusion {
    /// From the first op on, each block as long as its form allows.
    package static func fuse(_ graph: QuantizedGraph) -> BlockedGraph {
        let reads = graph.reads
        var steps: [Range<Int>] = []
        var first = 0
        while first < graph.ops.count {
            let end = first + blockLength(graph, from: first, reads: reads)
            steps.append(first..<end)
            first = end
        }
        return BlockedGraph(graph: graph, steps: steps)
    }

    /// 1 where no block begins.
    private static func blockLength(_ graph: QuantizedGraph, from first: Int, reads: [Int]) -> Int {
        /// Whether op `index` has this code and alone needs what the op before it gives.
        func follows(_ index: Int, _ code: ModelLayout.OpCode) -> Bool {
            guard index < graph.ops.count, graph.ops[index].kind.code == code else { return false }
            guard index > first else { return true }
            let before = graph.ops[index - 1].output
            return reads[before] == 1 && before != graph.output && graph.ops[index].inputs.contains(before)
        }
        var next = first
        if follows(next, .pointwise) || follows(next, .convolution) { next += 1 }
        guard follows(next, .depthwise), follows(next + 1, .pointwise) else { return 1 }
        return next + (follows(next + 2, .add) ? 3 : 2) - first
    }
}

extension QuantizedGraph {
    /// Of each tensor, how many inputs it is.
    var reads: [Int] {
        var reads = [Int](repeating: 0, count: tensors.count)
        for op in ops { for input in op.inputs { reads[input] += 1 } }
        return reads
    }
}
