// MemoryPlanner: where every activation lies in the arena. A tensor lives from the op that writes it to the last op
// that reads it; two tensors may share bytes if their lives do not meet. Largest first, each into the smallest gap
// between already placed tensors alive at the same time that holds it, else behind them (greedy by size, best fit:
// Pisarchyk and Lee 2020, "Efficient Memory Management for Deep Neural Net Inference", section 5.3). Left out: ops that
// write over their input.

import TinyRuntime

package struct PlannedGraph: Sendable, Equatable {
    package let graph: QuantizedGraph
    /// Of each tensor, a multiple of 64.
    package let offsets: [Int]
    /// The end of the last tensor, rounded up to 64.
    package let arenaBytes: Int

    /// Only by `MemoryPlanner`.
    fileprivate init(graph: QuantizedGraph, offsets: [Int], arenaBytes: Int) {
        self.graph = graph
        self.offsets = offsets
        self.arenaBytes = arenaBytes
    }
}

package enum MemoryPlanner {
    /// - Throws: `ConversionError.tooLarge` beyond the format's limit.
    /// - Complexity: O(tensors²).
    package static func plan(_ graph: QuantizedGraph) throws -> PlannedGraph {
        let lives = lifetimes(of: graph)
        let sizes = graph.tensors.map { roundedUp($0.bytes) }
        let order = graph.tensors.indices.sorted {
            (-sizes[$0], lives[$0].lowerBound, $0) < (-sizes[$1], lives[$1].lowerBound, $1)
        }
        var offsets = [Int](repeating: 0, count: graph.tensors.count)
        var placed: [Int] = []
        for tensor in order {
            let neighbours = placed.filter { lives[$0].overlaps(lives[tensor]) }.sorted { offsets[$0] < offsets[$1] }
            offsets[tensor] = bestGap(
                for: sizes[tensor], between: neighbours.map { offsets[$0]..<(offsets[$0] + sizes[$0]) })
            placed.append(tensor)
        }
        let arena = graph.tensors.indices.reduce(0) { max($0, offsets[$1] + sizes[$1]) }
        guard arena <= Int(ModelLayout.Limit.arenaBytes) else {
            throw ConversionError.tooLarge(
                "activations need \(arena) bytes, the limit is \(ModelLayout.Limit.arenaBytes)")
        }
        return PlannedGraph(graph: graph, offsets: offsets, arenaBytes: arena)
    }

    /// Of each tensor: first and last op during which its bytes must stand. The photo is written before op 0; the
    /// answer is read after the last one.
    package static func lifetimes(of graph: QuantizedGraph) -> [ClosedRange<Int>] {
        var first = [Int](repeating: 0, count: graph.tensors.count)
        var last = [Int](repeating: 0, count: graph.tensors.count)
        for (index, op) in graph.ops.enumerated() {
            first[op.output] = index
            last[op.output] = index
            for input in op.inputs { last[input] = index }
        }
        last[graph.output] = graph.ops.count
        return zip(first, last).map { $0...$1 }
    }

    /// What no plan can be below: the most bytes alive during one op.
    package static func lowerBound(_ graph: QuantizedGraph) -> Int {
        let lives = lifetimes(of: graph)
        return graph.ops.indices.map { op in
            graph.tensors.indices.reduce(0) { $0 + (lives[$1].contains(op) ? roundedUp(graph.tensors[$1].bytes) : 0) }
        }.max() ?? 0
    }

    private static func roundedUp(_ bytes: Int) -> Int {
        (bytes + ModelLayout.alignment - 1) / ModelLayout.alignment * ModelLayout.alignment
    }

    /// - Parameter taken: by start; may overlap each other.
    private static func bestGap(for size: Int, between taken: [Range<Int>]) -> Int {
        var best: (offset: Int, gap: Int)?
        var end = 0
        for range in taken {
            let gap = range.lowerBound - end
            if gap >= size && gap < best?.gap ?? .max { best = (end, gap) }
            end = max(end, range.upperBound)
        }
        return best?.offset ?? end
    }
}
