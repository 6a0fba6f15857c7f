// The shape of every edge, and the complete check of a graph: whoever holds a graph for which `shapes()` returned may
// run or convert it without looking at counts, ranges or names again. Sizes are checked before anything is multiplied,
// so no number of a hostile file overflows.

import Tensors

extension FloatGraph {
    /// Beyond these a graph is refused. They are far above any network for photos on a small device, and keep products
    /// inside an Int.
    package enum Limit {
        package static let nodes = 4096
        package static let channels = 65536
        package static let side = 8192
        package static let kernelSide = 64
        package static let joinedEdges = 1024
        /// Of one edge for one photo, and of all weights together: 1 GiB of floats each.
        package static let values = 1 << 28
    }

    /// The shape of each edge for one photo, [C, H, W] or [C], by name.
    ///
    /// - Throws: `GraphError` at the first node, edge or weight that is not as the op needs it. Weights must be finite
    ///   and each edge made once, before its use; nodes that lead nowhere are allowed.
    /// - Complexity: O(nodes + weights' values).
    package func shapes() throws(GraphError) -> [String: [Int]] {
        try Self.limit("nodes", nodes.count, Limit.nodes)
        try checkWeights()
        try checkInput()
        var shapes = [input.name: [input.channels, input.height, input.width]]
        var names: Set<String> = []
        for node in nodes {
            guard !node.name.isEmpty, names.insert(node.name).inserted else {
                throw .badNode(
                    name: node.name, op: node.op.name, reason: "another node has the same name, or it has none")
            }
            guard node.op.inputCounts.contains(node.inputs.count) else {
                throw node.error("\(node.inputs.count) inputs, it takes \(node.op.inputCounts.said)")
            }
            var inputs: [[Int]] = []
            for edge in node.inputs {
                guard let shape = shapes[edge] else {
                    throw node.error("its input '\(edge)' is not made by the graph's input or a node before it")
                }
                inputs.append(shape)
            }
            guard !node.output.isEmpty, shapes[node.output] == nil, weights[node.output] == nil else {
                throw node.error("its output '\(node.output)' has no name, or the name of another edge or weight")
            }
            shapes[node.output] = try outputShape(of: node, inputs)
        }
        guard let answer = shapes[output] else { throw .badOutput(name: output, reason: "no node makes it") }
        guard answer.count == 1 else {
            throw .badOutput(
                name: output, reason: "shape N × \(answer.said); one row of logits a photo is needed, N × C")
        }
        return shapes
    }

    private static func limit(_ what: String, _ count: Int, _ limit: Int) throws(GraphError) {
        guard count <= limit else { throw .tooLarge(what: what, count: count, limit: limit) }
    }

    func checkInput() throws(GraphError) {
        guard !input.name.isEmpty, weights[input.name] == nil else {
            throw .badInput(name: input.name, reason: "it has no name, or a weight's")
        }
        for size in [input.channels, input.height, input.width] where size < 1 {
            throw .badInput(
                name: input.name,
                reason: "shape N × \([input.channels, input.height, input.width].said) is not an image's")
        }
        try Self.limit("channels of input '\(input.name)'", input.channels, Limit.channels)
        try Self.limit("height of input '\(input.name)'", input.height, Limit.side)
        try Self.limit("width of input '\(input.name)'", input.width, Limit.side)
        try Self.limit(
            "values of input '\(input.name)'", input.channels * input.height * input.width, Limit.values)
    }

    private func checkWeights() throws(GraphError) {
        var total = 0
        for (name, weight) in weights.sorted(by: { $0.key < $1.key }) {
            var count = 1
            for size in weight.shape {
                let (product, overflow) = count.multipliedReportingOverflow(by: size)
                guard size >= 1, !overflow else {
                    throw .badWeight(name: name, reason: "shape \(weight.shape.said) is not a tensor's")
                }
                count = product
            }
            guard count == weight.values.count else {
                throw .badWeight(name: name, reason: "\(weight.values.count) values, its shape is \(weight.shape.said)")
            }
            total += count
            try Self.limit("values of all weights", total, Limit.values)
            if let bad = weight.values.firstIndex(where: { !$0.isFinite }) {
                throw .badWeight(name: name, reason: "value \(bad) is \(weight.values[bad])")
            }
        }
    }

    func outputShape(of node: Node, _ inputs: [[Int]]) throws(GraphError) -> [Int] {
        let first = inputs[0]
        let result: [Int]
        switch node.op {
        case .convolution(let weight, let bias, let window, let groups):
            let (height, width) = try slide(window, over: first, node)
            let shape = try weightShape(weight, rank: 4, node)
            guard groups >= 1, first[0] % groups == 0, shape[0] % groups == 0, shape[1] == first[0] / groups else {
                throw node.error(
                    "weight '\(weight)' of shape \(shape.said) with \(groups) groups does not fit \(first[0]) input channels;"
                        + " accepted: groups that divide input and output channels, weights O × I/groups × KH × KW")
            }
            guard shape[2] == window.kernelHeight, shape[3] == window.kernelWidth else {
                throw node.error(
                    "weight '\(weight)' of shape \(shape.said), its kernel is \(window.kernelHeight) × \(window.kernelWidth)"
                )
            }
            if let bias { try require(bias, shape: [shape[0]], node) }
            result = [shape[0], height, width]
        case .batchNorm(let scale, let shift, let mean, let variance, let epsilon):
            for name in [scale, shift, mean, variance] { try require(name, shape: [first[0]], node) }
            guard epsilon.isFinite, epsilon >= 0 else { throw node.error("epsilon \(epsilon)") }
            guard let values = weights[variance]?.values, values.allSatisfy({ $0 >= 0 && $0 + epsilon > 0 }) else {
                throw node.error("variance '\(variance)' plus epsilon \(epsilon) is not positive everywhere")
            }
            result = first
        case .linear(let weight, let bias):
            guard first.count == 1 else { throw node.error("its input is N × \(first.said), it takes N × C") }
            let shape = try weightShape(weight, rank: 2, node)
            guard shape[1] == first[0] else {
                throw node.error("weight '\(weight)' of shape \(shape.said) does not fit \(first[0]) input features")
            }
            if let bias { try require(bias, shape: [shape[0]], node) }
            result = [shape[0]]
        case .clip(let low, let high):
            guard low <= high else { throw node.error("range \(low)…\(high)") }
            result = first
        case .hardSigmoid(let alpha, let beta):
            guard alpha.isFinite, beta.isFinite else { throw node.error("alpha \(alpha), beta \(beta)") }
            result = first
        case .leakyRelu(let slope):
            guard slope.isFinite else { throw node.error("slope \(slope)") }
            result = first
        case .relu, .sigmoid, .elu, .hardSwish, .silu:
            result = first
        case .add:
            guard inputs[1] == first else {
                throw node.error("its inputs are N × \(first.said) and N × \(inputs[1].said), it takes equal shapes")
            }
            result = first
        case .multiply:
            guard inputs[1] == first || first.count == 3 && inputs[1] == [first[0]] else {
                throw node.error(
                    "its inputs are N × \(first.said) and N × \(inputs[1].said), it takes equal shapes, or an image"
                        + " N × C × H × W and one factor a channel, N × C")
            }
            result = first
        case .concat:
            var channels = 0
            for shape in inputs {
                guard shape.dropFirst() == first.dropFirst() else {
                    throw node.error("its inputs are N × \(first.said) and N × \(shape.said), only channels may differ")
                }
                channels += shape[0]
            }
            result = [channels] + first.dropFirst()
        case .globalAveragePool, .globalMaxPool:
            guard first.count == 3 else { throw node.error("its input is N × \(first.said), it takes N × C × H × W") }
            result = [first[0]]
        case .maxPool(let window), .averagePool(let window, _):
            let (height, width) = try slide(window, over: first, node)
            guard max(window.padTop, window.padBottom) < window.kernelHeight,
                max(window.padLeft, window.padRight) < window.kernelWidth
            else { throw node.error("its padding is not smaller than its kernel") }
            result = [first[0], height, width]
        }
        try Self.limit("channels of node '\(node.name)'", result[0], Limit.channels)
        if result.count == 3 {
            try Self.limit("height of node '\(node.name)'", result[1], Limit.side)
            try Self.limit("width of node '\(node.name)'", result[2], Limit.side)
        }
        try Self.limit("values of node '\(node.name)'", result.reduce(1, *), Limit.values)
        return result
    }

    /// - Returns: height and width after the window slid over an image of `shape` C H W.
    private func slide(_ window: Window, over shape: [Int], _ node: Node) throws(GraphError) -> (Int, Int) {
        guard shape.count == 3 else { throw node.error("its input is N × \(shape.said), it takes N × C × H × W") }
        let range = 1...Limit.kernelSide
        let pads = [window.padTop, window.padBottom, window.padLeft, window.padRight]
        guard range.contains(window.kernelHeight), range.contains(window.kernelWidth),
            range.contains(window.strideHeight),
            range.contains(window.strideWidth), pads.allSatisfy({ (0...Limit.kernelSide).contains($0) })
        else {
            throw node.error(
                "kernel, stride or padding is outside 1…\(Limit.kernelSide) (padding 0…\(Limit.kernelSide))")
        }
        guard shape[1] + window.padTop + window.padBottom >= window.kernelHeight,
            shape[2] + window.padLeft + window.padRight >= window.kernelWidth
        else {
            throw node.error(
                "its kernel \(window.kernelHeight) × \(window.kernelWidth) is larger than its padded input N × \(shape.said)"
            )
        }
        return (window.outputHeight(shape[1]), window.outputWidth(shape[2]))
    }

    private func weightShape(_ name: String, rank: Int, _ node: Node) throws(GraphError) -> [Int] {
        guard let weight = weights[name] else { throw node.error("its weight '\(name)' is missing") }
        guard weight.shape.count == rank else {
            throw node.error("weight '\(name)' has \(weight.shape.count) axes, it takes \(rank)")
        }
        return weight.shape
    }

    private func require(_ name: String, shape: [Int], _ node: Node) throws(GraphError) {
        guard let weight = weights[name] else { throw node.error("its weight '\(name)' is missing") }
        guard weight.shape == shape else {
            throw node.error("weight '\(name)' of shape \(weight.shape.said), it takes \(shape.said)")
        }
    }
}

extension FloatGraph.Node {
    fileprivate func error(_ reason: String) -> GraphError { .badNode(name: name, op: op.name, reason: reason) }
}

extension [Int] {
    /// "3 × 224 × 224"
    package var said: String { isEmpty ? "one value" : map(String.init).joined(separator: " × ") }
}

extension ClosedRange<Int> {
    fileprivate var said: String { lowerBound == upperBound ? "\(lowerBound)" : "\(lowerBound)…\(upperBound)" }
}
