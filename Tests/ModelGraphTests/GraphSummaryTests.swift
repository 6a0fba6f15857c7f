// GraphSummary: counted by hand on a small graph. (MobileNetV2's published numbers are checked where its exporter is.)

import ModelGraph
import Tensors
import Testing

struct GraphSummaryTests {
    @Test func countsByHand() throws {
        func weight(_ shape: [Int]) -> FloatGraph.Weight {
            .init(shape: shape, values: [Float](repeating: 1, count: shape.reduce(1, *)))
        }
        let graph = FloatGraph(
            name: "g", input: .init(name: "x", channels: 3, height: 8, width: 6),
            nodes: [
                .init(
                    name: "c",
                    op: .convolution(weight: "c.w", bias: nil, window: Window(kernel: 3, stride: 2, pad: 1), groups: 1),
                    inputs: ["x"], output: "c"),
                .init(
                    name: "b", op: .batchNorm(scale: "s", shift: "t", mean: "m", variance: "v", epsilon: 0.1),
                    inputs: ["c"],
                    output: "b"),
                .init(
                    name: "d", op: .convolution(weight: "d.w", bias: "t", window: Window(kernel: 3, pad: 1), groups: 4),
                    inputs: ["b"], output: "d"),
                .init(name: "p", op: .globalAveragePool, inputs: ["d"], output: "p"),
                .init(name: "l", op: .linear(weight: "l.w", bias: "l.b"), inputs: ["p"], output: "l"),
            ],
            output: "l",
            weights: [
                "c.w": weight([4, 3, 3, 3]), "s": weight([4]), "t": weight([4]), "m": weight([4]), "v": weight([4]),
                "d.w": weight([4, 1, 3, 3]), "l.w": weight([2, 4]), "l.b": weight([2]),
            ])
        let summary = try GraphSummary(graph)
        #expect(summary.rows.map(\.outputShape) == [[4, 4, 3], [4, 4, 3], [4, 4, 3], [4], [2]])
        #expect(summary.rows.map(\.parameters) == [108, 8, 40, 0, 10])
        #expect(summary.rows.map(\.multiplyAdds) == [108 * 12, 0, 36 * 12, 0, 8])
        #expect(summary.parameters == 108 + 8 + 36 + 10)  // "t" is shared
        #expect(summary.multiplyAdds == 1296 + 432 + 8)
    }
}
