// FloatGraph.shapes on graphs that no ONNX file can hold or that its reader refuses earlier.

import ModelGraph
import Tensors
import Testing

struct GraphShapeTests {
    /// x: 4 × 6 × 5 → one node → global average pooling "y".
    private func graph(_ op: GraphOp, inputs: [String] = ["x"], weights: [String: [Int]] = [:]) -> FloatGraph {
        FloatGraph(
            name: "g", input: .init(name: "x", channels: 4, height: 6, width: 5),
            nodes: [
                .init(name: "n", op: op, inputs: inputs, output: "e"),
                .init(name: "p", op: .globalAveragePool, inputs: ["e"], output: "y"),
            ],
            output: "y",
            weights: weights.mapValues { .init(shape: $0, values: [Float](repeating: 1, count: $0.reduce(1, *))) })
    }

    @Test(arguments: [
        (Window(kernel: 3, stride: 1, pad: 1), [8, 6, 5]),
        (Window(kernel: 3, stride: 2, pad: 1), [8, 3, 3]),
        (Window(kernel: 3, stride: 2, pad: 0), [8, 2, 2]),
        (
            Window(
                kernelHeight: 3, kernelWidth: 3, strideHeight: 3, strideWidth: 1, padTop: 0, padBottom: 1, padLeft: 2,
                padRight: 0),
            [8, 2, 5]
        ),
    ])
    func convolutionSlides(window: Window, shape: [Int]) throws {
        let graph = graph(
            .convolution(weight: "w", bias: "b", window: window, groups: 1), weights: ["w": [8, 4, 3, 3], "b": [8]])
        #expect(try graph.shapes() == ["x": [4, 6, 5], "e": shape, "y": [8]])
    }

    @Test func joinsChannels() throws {
        #expect(try graph(.concat, inputs: ["x", "x", "x"]).shapes()["y"] == [12])
    }

    @Test func groupsFactorsAndAverages() throws {
        let three = Window(kernel: 3)
        let grouped = GraphOp.convolution(weight: "w", bias: nil, window: three, groups: 2)
        #expect(try graph(grouped, weights: ["w": [6, 2, 3, 3]]).shapes()["e"] == [6, 4, 3])
        let multiplied = GraphOp.convolution(weight: "w", bias: nil, window: three, groups: 4)
        #expect(try graph(multiplied, weights: ["w": [12, 1, 3, 3]]).shapes()["e"] == [12, 4, 3])
        #expect(
            try graph(.averagePool(window: Window(kernel: 2, stride: 2), countsPadding: true)).shapes()["e"] == [4, 3, 2])
        var scaled = graph(.multiply, inputs: ["x", "f"])
        scaled.nodes.insert(.init(name: "q", op: .globalAveragePool, inputs: ["x"], output: "f"), at: 0)
        #expect(try scaled.shapes()["e"] == [4, 6, 5])
        // The other order, and other numbers of groups.
        scaled.nodes[1].inputs = ["f", "x"]
        #expect(throws: GraphError.self) { try scaled.shapes() }
        for groups in [0, 3, -2] {
            let bad = GraphOp.convolution(weight: "w", bias: nil, window: three, groups: groups)
            expect(
                graph(bad, weights: ["w": [6, 2, 3, 3]]),
                "weight 'w' of shape 6 × 2 × 3 × 3 with \(groups) groups does not fit 4 input channels; accepted: groups"
                    + " that divide input and output channels, weights O × I/groups × KH × KW")
        }
        expect(graph(.hardSigmoid(alpha: .nan, beta: 0)), "alpha nan, beta 0.0")
        expect(graph(.leakyRelu(slope: .infinity)), "slope inf")
        expect(
            graph(.averagePool(window: Window(kernel: 2, stride: 1, pad: 2), countsPadding: false)),
            "its padding is not smaller than its kernel")
    }

    @Test func namesWhatDoesNotFit() {
        let three = Window(kernel: 3)
        expect(graph(.add), "1 inputs, it takes 2")
        expect(graph(.concat, inputs: []), "0 inputs, it takes 1…1024")
        expect(graph(.relu, inputs: ["e"]), "its input 'e' is not made by the graph's input or a node before it")
        expect(
            graph(.maxPool(window: Window(kernel: 7))), "its kernel 7 × 7 is larger than its padded input N × 4 × 6 × 5"
        )
        expect(graph(.maxPool(window: Window(kernel: 0))), "kernel, stride or padding is outside 1…64 (padding 0…64)")
        expect(graph(.clip(low: .nan, high: 1)), "range nan…1.0")
        expect(
            graph(.convolution(weight: "w", bias: nil, window: three, groups: 1), weights: ["w": [8, 4, 9]]),
            "weight 'w' has 3 axes, it takes 4")
        expect(
            graph(
                .convolution(weight: "w", bias: "b", window: three, groups: 4),
                weights: ["w": [4, 1, 3, 3], "b": [1, 4]]),
            "weight 'b' of shape 1 × 4, it takes 4")
        expect(
            graph(.linear(weight: "w", bias: nil), weights: ["w": [2, 4]]), "its input is N × 4 × 6 × 5, it takes N × C"
        )
        expect(
            graph(
                .batchNorm(scale: "s", shift: "s", mean: "s", variance: "s", epsilon: -1), weights: ["s": [4]]),
            "epsilon -1.0")
        expect(
            graph(.batchNorm(scale: "s", shift: "s", mean: "s", variance: "s", epsilon: 0), weights: ["s": [3]]),
            "weight 's' of shape 3, it takes 4")
    }

    @Test func namesWhatIsTooLarge() {
        var large = graph(.relu)
        large.input.channels = 65536
        large.input.height = 8192
        expect(large, .tooLarge(what: "values of input 'x'", count: 65536 * 8192 * 5, limit: 1 << 28))
        large.input.channels = 65537
        expect(large, .tooLarge(what: "channels of input 'x'", count: 65537, limit: 65536))
        var wide = graph(.concat, inputs: [String](repeating: "x", count: 1024))
        wide.input.channels = 100
        expect(wide, .tooLarge(what: "channels of node 'n'", count: 102400, limit: 65536))
        var weights = graph(.relu)
        weights.weights["w"] = .init(shape: [1 << 40, 1 << 40], values: [])
        expect(weights, .badWeight(name: "w", reason: "shape 1099511627776 × 1099511627776 is not a tensor's"))
        var many = graph(.relu)
        many.nodes = [FloatGraph.Node](repeating: many.nodes[0], count: 4097)
        expect(many, .tooLarge(what: "nodes", count: 4097, limit: 4096))
    }

    @Test func namesTaken() {
        var named = graph(.relu, weights: ["x": [1]])
        expect(named, .badInput(name: "x", reason: "it has no name, or a weight's"))
        named = graph(.relu)
        named.nodes[1].output = "e"
        expect(
            named,
            .badNode(
                name: "p", op: "globalAveragePool",
                reason: "its output 'e' has no name, or the name of another edge or weight"))
    }

    private func expect(_ graph: FloatGraph, _ reason: String) {
        expect(graph, .badNode(name: "n", op: graph.nodes[0].op.name, reason: reason))
    }

    private func expect(_ graph: FloatGraph, _ error: GraphError) {
        #expect(throws: error) { try graph.shapes() }
    }
}
