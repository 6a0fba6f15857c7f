// RandomGraph: seeded small networks that hold batch norms in every place that folding distinguishes.

import ModelGraph
import Tensors

struct RandomGraph {
    private var generator: SeededGenerator
    private var graph: FloatGraph
    private var shapes: [String: [Int]]
    private var count = 0

    static func make(seed: UInt64) -> FloatGraph {
        var builder = RandomGraph(seed: seed)
        return builder.build()
    }

    private init(seed: UInt64) {
        generator = SeededGenerator(state: seed)
        graph = FloatGraph(
            name: "random", input: .init(name: "x", channels: 3, height: 9, width: 8), nodes: [], output: "",
            weights: [:])
        shapes = ["x": [3, 9, 8]]
    }

    /// A trunk of random image ops, two poolings, a random head.
    private mutating func build() -> FloatGraph {
        var x = "x"
        for _ in 0..<Int.random(in: 3...8, using: &generator) { x = imageOp(x) }
        let average = node(.globalAveragePool, [x])
        let most = node(.globalMaxPool, [x])
        // A batch norm on features folds forward only into linear layers; both branches have one.
        let features = linear(batchNorm(node(.multiply, [average, node(.sigmoid, [most])])), outputs: 6)
        let others = linear(chance() ? batchNorm(most) : most, outputs: 6)
        let sum = node(.elu, [node(.add, [chance() ? batchNorm(features) : features, batchNorm(others)])])
        let shared = batchNorm(sum)
        graph.output = node(.add, [linear(shared, outputs: 4), linear(shared, outputs: 4)])
        return graph
    }

    private mutating func imageOp(_ x: String) -> String {
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: return convolution(x, outputs: 5, kernel: 3, depthwise: false)
        case 1: return batchNorm(convolution(x, outputs: 4, kernel: 1, depthwise: false))
        case 2: return batchNorm(batchNorm(convolution(x, outputs: 0, kernel: 3, depthwise: true)))
        case 3: return node(.relu, [batchNorm(x)])  // after whatever came before, the input included
        case 4:
            return node(.clip(low: 0, high: 6), [batchNorm(convolution(x, outputs: 4, kernel: 3, depthwise: false))])
        case 5:  // the convolution's output is read beside its batch norm
            let y = convolution(x, outputs: 4, kernel: 3, depthwise: false)
            return node(.add, [y, batchNorm(y)])
        case 6: return node(.concat, [x, batchNorm(x)])
        default: return node(.clip(low: -0.5, high: 0.9), [x])
        }
    }

    private mutating func convolution(_ x: String, outputs: Int, kernel: Int, depthwise: Bool) -> String {
        let channels = shapes[x, default: []][0]
        let outputs = depthwise ? channels : outputs
        let weight = weight([outputs, depthwise ? 1 : channels, kernel, kernel], -0.5...0.5)
        let bias = chance() ? self.weight([outputs], -1...1) : nil
        let window = Window(
            kernelHeight: kernel, kernelWidth: kernel, strideHeight: 1, strideWidth: 1, padTop: kernel / 2,
            padBottom: kernel / 2, padLeft: kernel / 2, padRight: kernel - 1 - kernel / 2)
        return node(
            .convolution(weight: weight, bias: bias, window: window, groups: depthwise ? channels : 1), [x])
    }

    private mutating func linear(_ x: String, outputs: Int) -> String {
        let weight = weight([outputs, shapes[x, default: []][0]], -0.5...0.5)
        return node(.linear(weight: weight, bias: chance() ? self.weight([outputs], -1...1) : nil), [x])
    }

    private mutating func batchNorm(_ x: String) -> String {
        let channels = [shapes[x, default: []][0]]
        return node(
            .batchNorm(
                scale: weight(channels, -1.5...1.5), shift: weight(channels, -1...1), mean: weight(channels, -1...1),
                variance: weight(channels, 0...2), epsilon: 1e-3), [x])
    }

    private mutating func node(_ op: GraphOp, _ inputs: [String]) -> String {
        count += 1
        let output = "edge\(count)"
        graph.nodes.append(.init(name: "node\(count)", op: op, inputs: inputs, output: output))
        graph.output = output
        let first = shapes[inputs[0], default: []]
        switch op {
        case .convolution(let weight, _, let window, _):
            shapes[output] = [
                graph.weights[weight]?.shape[0] ?? 0, window.outputHeight(first[1]), window.outputWidth(first[2]),
            ]
        case .linear(let weight, _): shapes[output] = [graph.weights[weight]?.shape[0] ?? 0]
        case .globalAveragePool, .globalMaxPool: shapes[output] = [first[0]]
        case .concat: shapes[output] = [inputs.map { shapes[$0, default: [0]][0] }.reduce(0, +)] + first.dropFirst()
        default: shapes[output] = first
        }
        return output
    }

    private mutating func weight(_ shape: [Int], _ range: ClosedRange<Float>) -> String {
        let name = "weight\(graph.weights.count)"
        graph.weights[name] = .init(
            shape: shape, values: (0..<shape.reduce(1, *)).map { _ in Float.random(in: range, using: &generator) })
        return name
    }

    private mutating func chance() -> Bool { Bool.random(using: &generator) }
}

/// SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func values(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -2...2, using: &self) } }
}
