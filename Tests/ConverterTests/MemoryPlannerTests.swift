// No two tensors that live at once share a byte, checked byte by byte on random graphs, but for those that may; peaks against simple
// bounds; which ops become blocks.

import Converter
import Tensors
import Testing
import TinyRuntime

struct MemoryPlannerTests {
    private static let affine = AffineScale(scale: 1, zeroPoint: 0)
    private static let weights = QuantizedWeights(
        outputChannels: 0, kernelHeight: 1, kernelWidth: 1, inputChannels: 0, values: [], scales: [], bias: [], multiplier: [])
    private static let pointwise = QuantizedGraph.Kind.convolution(weights, Window(kernel: 1), padPixel: [])
    private static let convolution = QuantizedGraph.Kind.convolution(weights, Window(kernel: 3), padPixel: [])
    private static let depthwise = QuantizedGraph.Kind.depthwise(weights, Window(kernel: 3))
    private static let add = QuantizedGraph.Kind.add(scale0: 1, scale1: 1)

    private static func tensor(_ index: Int, _ height: Int, _ width: Int, _ channels: Int) -> QuantizedGraph.Tensor {
        QuantizedGraph.Tensor(name: "t\(index)", height: height, width: width, channels: channels, affine: affine)
    }

    /// Ops of every way of sharing, mostly on the newest tensors, sometimes far back, as residuals and taps do.
    private static func randomGraph(_ seed: UInt64) -> QuantizedGraph {
        var random = SplitMix64(seed: seed)
        var tensors = [tensor(0, 4, 3, 8)]
        var ops: [QuantizedGraph.Op] = []
        for index in 1...Int.random(in: 1...30, using: &random) {
            let near = Bool.random(using: &random) ? index - 1 : Int.random(in: 0..<index, using: &random)
            let from = tensors[near]
            let alike = tensors.indices.filter { tensors[$0].height == from.height && tensors[$0].width == from.width }
            let equal = alike.filter { tensors[$0].channels == from.channels }
            var inputs = [near]
            var kind = QuantizedGraph.Kind.globalMaxPool
            var output = tensor(
                index, Int.random(in: 1...6, using: &random), Int.random(in: 1...6, using: &random),
                Int.random(in: 1...40, using: &random))
            switch Int.random(in: 0..<8, using: &random) {
            case 0:
                kind = add
                inputs.append(equal.randomElement(using: &random) ?? near)
                output = tensor(index, from.height, from.width, from.channels)
            case 1:
                kind = .table([])
                output = tensor(index, from.height, from.width, from.channels)
            case 2, 3:
                kind = .concat
                for _ in 0..<Int.random(in: 1...3, using: &random) { inputs.append(alike.randomElement(using: &random) ?? near) }
                output = tensor(index, from.height, from.width, inputs.reduce(0) { $0 + tensors[$1].channels })
            case 4, 5:
                kind = pointwise
                output = tensor(index, from.height, from.width, Int.random(in: 1...40, using: &random))
            case 6: kind = depthwise
            default: break
            }
            tensors.append(output)
            ops.append(QuantizedGraph.Op(name: "op\(index)", kind: kind, inputs: inputs, output: index))
        }
        return QuantizedGraph(tensors: tensors, ops: ops, output: tensors.count - 1)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func liveTensorsNeverMeet(_ seed: UInt64) throws {
        let graph = Self.randomGraph(seed)
        let blocked = BlockFusion.fuse(graph)
        let planned = try MemoryPlanner.plan(blocked)
        // What may lie on each other while op i runs: an elementwise op's output and an input that dies with it, at one place; a concat's
        // output and what was written into it.
        func mayShare(_ one: Int, _ other: Int, during step: Range<Int>) -> Bool {
            let op = graph.ops[step.lowerBound]
            guard step.count == 1, [one, other].contains(op.output) else { return false }
            let input = one == op.output ? other : one
            guard op.inputs.contains(input) else { return false }
            if op.kind == .concat { return planned.places[input].pixelStride > 0 }
            let isElementwise = op.kind == Self.add || op.kind == .table([])
            let diesHere = input != graph.output && !graph.ops[step.upperBound...].contains { $0.inputs.contains(input) }
            return isElementwise && diesHere && planned.places[input].offset == planned.places[op.output].offset
        }
        for step in blocked.steps {
            var owner = [Int?](repeating: nil, count: planned.arenaBytes)
            for (index, tensor) in graph.tensors.enumerated() where !planned.places[index].isInterior {
                let written = graph.ops.firstIndex { $0.output == index } ?? -1
                let isReadLater = graph.ops[step.lowerBound...].contains { $0.inputs.contains(index) }
                guard step.contains(written) || (written < step.lowerBound && (isReadLater || index == graph.output)) else { continue }
                let place = planned.places[index]
                #expect(place.pixelStride > 0 || place.offset % 64 == 0)
                for pixel in 0..<tensor.height * tensor.width {
                    let start = place.offset + pixel * max(place.pixelStride, tensor.channels)
                    for byte in start..<start + tensor.channels {
                        if let other = owner[byte], !mayShare(index, other, during: step) {
                            Issue.record("seed \(seed), ops \(step): t\(index) lies on t\(other)")
                            return
                        }
                        owner[byte] = index
                    }
                }
            }
        }
        let all = graph.tensors.reduce(0) { $0 + ($1.bytes + 63) / 64 * 64 }
        #expect(planned.arenaBytes <= all)
        #expect(planned.arenaBytes >= MemoryPlanner.lowerBound(blocked))
        #expect(planned.arenaBytes <= 2 * MemoryPlanner.lowerBound(blocked) + 1024, "seed \(seed)")
    }

    private static func chain(_ kinds: [QuantizedGraph.Kind], _ tensors: [QuantizedGraph.Tensor]) -> QuantizedGraph {
        let ops = kinds.enumerated().map {
            QuantizedGraph.Op(name: "op\($0)", kind: $1, inputs: [$0], output: $0 + 1)
        }
        return QuantizedGraph(tensors: tensors, ops: ops, output: kinds.count)
    }

    @Test func chainNeedsItsTwoLargestNeighbours() throws {
        let sizes = [3, 10, 4, 8, 8, 1]
        let tensors = sizes.enumerated().map { Self.tensor($0, 1, 1, 64 * $1) }
        let graph = Self.chain([QuantizedGraph.Kind](repeating: .globalMaxPool, count: 5), tensors)
        #expect(try MemoryPlanner.plan(BlockFusion.fuse(graph)).arenaBytes == 64 * 16)  // 8 and 8; 10 and 4 before them
    }

    /// Photo 8², then 16 → 96 → 16 twice, the second with a residual.
    private static func residualNetwork() -> QuantizedGraph {
        let channels = [3, 32, 32, 16, 96, 96, 16, 16, 5]
        let kinds = [convolution, depthwise, pointwise, pointwise, depthwise, pointwise, add, .globalMaxPool]
        var graph = chain(kinds, channels.enumerated().map { tensor($0, 8, 8, $1) })
        graph.ops[6].inputs = [6, 3]
        return graph
    }

    @Test func invertedResidualsBecomeBlocksWithoutPlacesInside() throws {
        let blocked = BlockFusion.fuse(Self.residualNetwork())
        #expect(blocked.steps == [0..<3, 3..<7, 7..<8])
        let planned = try MemoryPlanner.plan(blocked)
        #expect(planned.places.indices.filter { planned.places[$0].isInterior } == [1, 2, 4, 5, 6])
        #expect(planned.arenaBytes == 64 * (16 + 16))  // the second block's input, which is its residual, and its output
        // One by one: 96 and 96 beside the residual.
        #expect(64 * (96 + 96 + 16) > planned.arenaBytes)
    }

    @Test func whatAnotherOpReadsIsNotInsideABlock() {
        var graph = Self.residualNetwork()
        graph.ops[7].inputs = [4]  // the expanded image
        #expect(BlockFusion.fuse(graph).steps == [0..<3, 3..<4, 4..<7, 7..<8])
        graph = Self.residualNetwork()
        graph.ops[6].inputs = [6, 6]  // the project's output twice
        #expect(BlockFusion.fuse(graph).steps == [0..<3, 3..<6, 6..<7, 7..<8])
        graph = Self.residualNetwork()
        graph.ops[7].inputs = [5]
        #expect(BlockFusion.fuse(graph).steps == [0..<3, 3..<4, 4..<5, 5..<6, 6..<7, 7..<8])
        graph = Self.residualNetwork()
        graph.output = 6
        #expect(BlockFusion.fuse(graph).steps == [0..<3, 3..<6, 6..<7, 7..<8])
        // Two separable convolutions, each a block.
        let kinds = [Self.depthwise, Self.pointwise, Self.depthwise, Self.pointwise, Self.pointwise]
        let separable = Self.chain(kinds, (0...5).map { Self.tensor($0, 4, 4, 8) })
        #expect(BlockFusion.fuse(separable).steps == [0..<2, 2..<4, 4..<5])
    }

    @Test func elementwiseOpsWriteOverADyingInput() throws {
        let kinds = [Self.convolution, .table([]), Self.add, .globalMaxPool]
        var graph = Self.chain(kinds, [3, 8, 8, 8, 1].enumerated().map { Self.tensor($0, 8, 8, $1) })
        graph.ops[2].inputs = [2, 1]
        let planned = try MemoryPlanner.plan(BlockFusion.fuse(graph))
        // The table's input is read again; the sum lies over one of its two.
        #expect(planned.places[2].offset != planned.places[1].offset)
        #expect([planned.places[1].offset, planned.places[2].offset].contains(planned.places[3].offset))
        #expect(planned.arenaBytes == 64 * 16)
    }

    @Test func concatsInputsAreWrittenToTheirPlaces() throws {
        let channels = [3, 16, 24, 40, 80, 1]
        let tensors = channels.enumerated().map { Self.tensor($0, 8, 8, $1) }
        let ops: [(QuantizedGraph.Kind, [Int], Int)] = [
            (Self.convolution, [0], 1), (Self.pointwise, [0], 2), (.maxPool(Window(kernel: 3)), [0], 3), (.concat, [1, 2, 3], 4),
            (.globalMaxPool, [4], 5),
        ]
        let graph = QuantizedGraph(
            tensors: tensors, ops: ops.map { .init(name: "op\($2)", kind: $0, inputs: $1, output: $2) }, output: 5)
        let planned = try MemoryPlanner.plan(BlockFusion.fuse(graph))
        let joined = planned.places[4].offset
        #expect(planned.places[1].offset == joined && planned.places[1].pixelStride == 80)
        #expect(planned.places[2].offset == joined + 16 && planned.places[2].pixelStride == 80)
        #expect(planned.places[3].pixelStride == 0)  // a pool cannot leave gaps
        #expect(planned.arenaBytes == 64 * (80 + 40 + 3))  // the pool's output beside the concat's, and the photo
    }

    @Test func tooLargeIsRefused() {
        let tensors = (0..<2).map { Self.tensor($0, 8192, 8192, 12) }
        let graph = Self.chain([.globalMaxPool], tensors)
        #expect(throws: ConversionError.self) { try MemoryPlanner.plan(BlockFusion.fuse(graph)) }
    }
}
