// MemoryPlanner: where every activation lies in the arena. A tensor lives from the step that writes it to the last one that reads it; those
// inside a block need no place. First, tensors that can share one are joined into buffers: an elementwise op's output takes its dying
// input's place, and what only a concat reads is written to its place in the concat's output. Then buffers that do not live at once may
// share bytes: largest first, each into the smallest gap between already placed ones alive at the same time that holds it, else behind
// them (greedy by size, best fit: Pisarchyk and Lee 2020, "Efficient Memory Management for Deep Neural Net Inference", section 5.3).
// Joining lengthens lives, so that each concat is joined only where it costs no memory.

import TinyRuntime

package struct PlannedGraph: Sendable, Equatable {
    package struct Place: Sendable, Equatable {
        /// In the arena; 0 for a tensor inside a block. A multiple of 64, but for tensors inside a concat's output.
        package var offset = 0
        /// Of a tensor inside a concat's output, that output's channels; else 0.
        package var pixelStride = 0
        /// Written and read inside one block: no place at all.
        package var isInterior = false
    }

    package let graph: QuantizedGraph
    /// What runs as one: ranges of op indices.
    package let steps: [Range<Int>]
    /// Of each tensor.
    package let places: [Place]
    /// The end of the last tensor, rounded up to 64.
    package let arenaBytes: Int

    /// Only by `MemoryPlanner`.
    fileprivate init(_ blocked: BlockedGraph, places: [Place], arenaBytes: Int) {
        graph = blocked.graph
        steps = blocked.steps
        self.places = places
        self.arenaBytes = arenaBytes
    }
}

package enum MemoryPlanner {
    /// - Throws: `ConversionError.tooLarge` beyond the format's limit.
    /// - Complexity: O(concats · tensors²).
    package static func plan(_ blocked: BlockedGraph) throws -> PlannedGraph {
        let sharing = Sharing(blocked)
        var best = Layout(sharing, joining: Set(sharing.concats), inPlace: true)
        for concat in sharing.concats {
            let without = Layout(sharing, joining: best.joined.subtracting([concat]), inPlace: true)
            if without.arenaBytes < best.arenaBytes { best = without }
        }
        let apart = Layout(sharing, joining: best.joined, inPlace: false)
        if apart.arenaBytes < best.arenaBytes { best = apart }
        guard best.arenaBytes <= Int(ModelLayout.Limit.arenaBytes) else {
            throw ConversionError.tooLarge(
                "activations need \(best.arenaBytes) bytes, the limit is \(ModelLayout.Limit.arenaBytes)")
        }
        return PlannedGraph(blocked, places: best.places, arenaBytes: best.arenaBytes)
    }

    /// Of each tensor: first and last step during which its bytes must stand. The photo is written before step 0; the
    /// answer is read after the last one.
    package static func lifetimes(of graph: QuantizedGraph, steps: [Range<Int>]) -> [ClosedRange<Int>] {
        var first = [Int](repeating: 0, count: graph.tensors.count)
        var last = [Int](repeating: 0, count: graph.tensors.count)
        for (step, ops) in steps.enumerated() {
            for op in graph.ops[ops] {
                first[op.output] = step
                last[op.output] = step
                for input in op.inputs { last[input] = step }
            }
        }
        last[graph.output] = steps.count
        return zip(first, last).map { $0...$1 }
    }

    /// What no plan can be below: the most bytes alive during one step, what can share a place counted once.
    package static func lowerBound(_ blocked: BlockedGraph) -> Int {
        let sharing = Sharing(blocked)
        return blocked.steps.indices.map { step in
            let alive = blocked.graph.tensors.indices.filter {
                sharing.lives[$0].contains(step) && !sharing.isInterior[$0] && !sharing.sharesItsPlace($0, during: step)
            }
            return roundedUp(alive.reduce(0) { $0 + blocked.graph.tensors[$1].bytes })
        }.max() ?? 0
    }

    fileprivate static func roundedUp(_ bytes: Int) -> Int {
        (bytes + ModelLayout.alignment - 1) / ModelLayout.alignment * ModelLayout.alignment
    }
}

/// Which tensors could have a place together.
private struct Sharing {
    let graph: QuantizedGraph
    let steps: [Range<Int>]
    let lives: [ClosedRange<Int>]
    let isInterior: [Bool]
    /// Of each tensor that only a concat reads, and whose writer can leave gaps between its pixels: that concat's index.
    private(set) var concat: [Int?]
    /// Of each output of an elementwise op, an input that nothing needs later.
    private(set) var dyingInput: [Int?]

    /// Indices of concats that inputs could be joined with.
    var concats: [Int] { Set(concat.compactMap { $0 }).sorted() }

    init(_ blocked: BlockedGraph) {
        graph = blocked.graph
        steps = blocked.steps
        lives = MemoryPlanner.lifetimes(of: graph, steps: steps)
        var isInterior = [Bool](repeating: false, count: graph.tensors.count)
        concat = [Int?](repeating: nil, count: graph.tensors.count)
        dyingInput = concat
        for step in steps { for op in step.dropLast() { isInterior[graph.ops[op].output] = true } }
        self.isInterior = isInterior

        var writer = [Int?](repeating: nil, count: graph.tensors.count)
        for (index, op) in graph.ops.enumerated() { writer[op.output] = index }
        let reads = graph.reads
        for (index, op) in graph.ops.enumerated() where op.kind.code == .concat {
            for input in op.inputs where reads[input] == 1 && input != graph.output {
                guard let code = writer[input].map({ graph.ops[$0].kind.code }) else { continue }
                let isVector = graph.tensors[input].height * graph.tensors[input].width == 1
                if isVector || code.leavesGaps { concat[input] = index }
            }
        }
        for (step, ops) in steps.enumerated() where ops.count == 1 {
            let op = graph.ops[ops.lowerBound]
            guard op.kind.code.worksInPlace else { continue }
            dyingInput[op.output] = op.inputs.first { lives[$0].upperBound == step && !isInterior[$0] }
        }
    }

    /// Whether the tensor needs no bytes beside those of the others that live during the step.
    func sharesItsPlace(_ tensor: Int, during step: Int) -> Bool {
        if dyingInput[tensor] != nil && lives[tensor].lowerBound == step { return true }
        return concat[tensor].map { steps[step].contains($0) } ?? false
    }
}

/// One way to lay everything out.
private struct Layout {
    let joined: Set<Int>
    private(set) var places: [PlannedGraph.Place]
    private(set) var arenaBytes = 0

    /// - Parameters:
    ///   - joining: indices of concats whose inputs are written to their places in the output.
    ///   - inPlace: elementwise ops write over a dying input.
    init(_ sharing: Sharing, joining joined: Set<Int>, inPlace: Bool) {
        self.joined = joined
        let graph = sharing.graph
        places = graph.tensors.indices.map { .init(isInterior: sharing.isInterior[$0]) }
        // Of each tensor, the one in whose place it stands, and how far behind its start.
        var host = [Int?](repeating: nil, count: graph.tensors.count)
        var distance = [Int](repeating: 0, count: graph.tensors.count)
        for (index, op) in graph.ops.enumerated() where joined.contains(index) {
            var channel = 0
            for input in op.inputs {
                if sharing.concat[input] == index {
                    host[input] = op.output
                    distance[input] = channel
                    places[input].pixelStride = graph.tensors[op.output].channels
                }
                channel += graph.tensors[input].channels
            }
        }
        for (tensor, input) in sharing.dyingInput.enumerated() where inPlace && host[tensor] == nil { host[tensor] = input }

        // A buffer is named by the tensor that has no host.
        var buffers: [Int: ClosedRange<Int>] = [:]
        var buffer = Array(graph.tensors.indices)
        for tensor in graph.tensors.indices where !sharing.isInterior[tensor] {
            while let next = host[buffer[tensor]] {
                places[tensor].offset += distance[buffer[tensor]]
                buffer[tensor] = next
            }
            let (life, known) = (sharing.lives[tensor], buffers[buffer[tensor]] ?? sharing.lives[tensor])
            buffers[buffer[tensor]] = min(life.lowerBound, known.lowerBound)...max(life.upperBound, known.upperBound)
        }
        let starts = place(buffers, bytes: { MemoryPlanner.roundedUp(graph.tensors[$0].bytes) })
        for tensor in graph.tensors.indices where !sharing.isInterior[tensor] {
            places[tensor].offset += starts[buffer[tensor], default: 0]
        }
    }

    /// - Parameter lives: of each buffer.
    /// - Returns: each buffer's start.
    private mutating func place(_ lives: [Int: ClosedRange<Int>], bytes: (Int) -> Int) -> [Int: Int] {
        let order = lives.sorted { (-bytes($0.key), $0.value.lowerBound, $0.key) < (-bytes($1.key), $1.value.lowerBound, $1.key) }
        var placed: [(life: ClosedRange<Int>, range: Range<Int>)] = []
        var starts: [Int: Int] = [:]
        for (buffer, life) in order {
            let neighbours = placed.filter { $0.life.overlaps(life) }.map(\.range)
            let start = Self.bestGap(for: bytes(buffer), between: neighbours.sorted { $0.lowerBound < $1.lowerBound })
            placed.append((life, start..<(start + bytes(buffer))))
            starts[buffer] = start
            arenaBytes = max(arenaBytes, start + bytes(buffer))
        }
        return starts
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
