// No two tensors that live at once share a byte, checked byte by byte on random graphs; peaks against simple bounds.

import Converter
import Testing
import TinyRuntime

struct MemoryPlannerTests {
    private let affine = AffineScale(scale: 1, zeroPoint: 0)

    /// Ops that read one or two earlier tensors; the last is the output.
    private func randomGraph(_ seed: UInt64) -> QuantizedGraph {
        var random = SplitMix64(seed: seed)
        func tensor(_ index: Int) -> QuantizedGraph.Tensor {
            QuantizedGraph.Tensor(
                name: "t\(index)", height: Int.random(in: 1...6, using: &random),
                width: Int.random(in: 1...6, using: &random),
                channels: Int.random(in: 1...40, using: &random), affine: affine)
        }
        var tensors = [tensor(0)]
        var ops: [QuantizedGraph.Op] = []
        for index in 1...Int.random(in: 1...30, using: &random) {
            // Mostly the newest, sometimes far back, as residuals and taps do.
            let inputs = (0..<Int.random(in: 1...2, using: &random)).map { _ in
                Bool.random(using: &random) ? index - 1 : Int.random(in: 0..<index, using: &random)
            }
            tensors.append(tensor(index))
            ops.append(QuantizedGraph.Op(name: "op\(index)", kind: .concat, inputs: inputs, output: index))
        }
        return QuantizedGraph(tensors: tensors, ops: ops, output: tensors.count - 1)
    }

    @Test(arguments: 0..<60)
    func liveTensorsNeverMeet(_ seed: UInt64) throws {
        let graph = randomGraph(seed)
        let planned = try MemoryPlanner.plan(graph)
        // Who owns each byte while op i runs: the tensors written before or by it and still to be read, by op i or
        // later.
        for step in graph.ops.indices {
            var owner: [Int: Int] = [:]
            for (index, tensor) in graph.tensors.enumerated() {
                let written = graph.ops.firstIndex { $0.output == index } ?? -1
                let isReadLater = graph.ops.indices.contains { $0 >= step && graph.ops[$0].inputs.contains(index) }
                guard written == step || (written < step && (isReadLater || index == graph.output)) else { continue }
                #expect(planned.offsets[index] % 64 == 0)
                #expect(planned.offsets[index] + tensor.bytes <= planned.arenaBytes)
                for byte in planned.offsets[index]..<(planned.offsets[index] + tensor.bytes) {
                    #expect(owner[byte] == nil, "seed \(seed), op \(step): t\(index) lies on t\(owner[byte] ?? -1)")
                    owner[byte] = index
                }
            }
        }
        let all = graph.tensors.reduce(0) { $0 + ($1.bytes + 63) / 64 * 64 }
        #expect(planned.arenaBytes <= all)
        #expect(planned.arenaBytes >= MemoryPlanner.lowerBound(graph))
        #expect(planned.arenaBytes <= 2 * MemoryPlanner.lowerBound(graph), "seed \(seed)")
    }

    @Test func chainNeedsItsTwoLargestNeighbours() throws {
        let sizes = [3, 10, 4, 8, 8, 1]
        let tensors = sizes.enumerated().map {
            QuantizedGraph.Tensor(name: "t\($0)", height: 1, width: 1, channels: 64 * $1, affine: affine)
        }
        let ops = (1..<sizes.count).map {
            QuantizedGraph.Op(name: "op\($0)", kind: .globalMaxPool, inputs: [$0 - 1], output: $0)
        }
        let planned = try MemoryPlanner.plan(QuantizedGraph(tensors: tensors, ops: ops, output: 5))
        #expect(planned.arenaBytes == 64 * 16)  // 8 and 8; 10 and 4 before them
    }

    @Test func tooLargeIsRefused() {
        let tensors = (0..<2).map {
            QuantizedGraph.Tensor(name: "t\($0)", height: 8192, width: 8192, channels: 12, affine: affine)
        }
        let op = QuantizedGraph.Op(name: "op", kind: .table([UInt8](repeating: 0, count: 256)), inputs: [0], output: 1)
        #expect(throws: ConversionError.self) {
            try MemoryPlanner.plan(QuantizedGraph(tensors: tensors, ops: [op], output: 1))
        }
    }
}
