// ReaderGraph: the network between the file and the FloatGraph. Edges are numbers, their shapes known; each step is a
// GraphOp, or one of three things that FloatGraph says otherwise: a factor and summand a channel, zeros around an image,
// an answer made of logits. The rewritings in Dialects/ join steps and remove those three; `floatGraph` is what is left.

import Tensors

struct ReaderGraph {
    struct Edge {
        var name: String
        /// [C, H, W] or [C].
        var shape: [Int]
    }

    enum Operation {
        case graph(GraphOp)
        /// scale · x + shift; one number for all channels, or one a channel.
        case affine(scale: [Double], shift: [Double])
        case pad(top: Int, left: Int, bottom: Int, right: Int)
        /// Softmax and the like: what is done to logits after the network.
        case answer
    }

    struct Step {
        var name: String
        /// The ONNX operator, for errors.
        var source: String
        var op: Operation
        var inputs: [Int]
        var output: Int

        func refusal(_ reason: String, accepted: String) -> ONNXError {
            .unsupportedNode(op: source, node: name, reason: reason, accepted: accepted)
        }
    }

    /// Input, weights, metadata, notes; its nodes come last.
    var graph: FloatGraph
    var edges: [Edge]
    /// In order of execution.
    var steps: [Step] = []
    var output = 0
    private var names: Set<String>
    /// The last number that made a wanted name new.
    private var numbers: [String: Int] = [:]

    /// - Parameter names: of the file's edges, weights and nodes, which made-up names must avoid.
    init(_ graph: FloatGraph, names: Set<String>) {
        self.graph = graph
        self.names = names
        edges = [
            .init(name: graph.input.name, shape: [graph.input.channels, graph.input.height, graph.input.width])
        ]
    }

    mutating func newName(_ wanted: String) -> String {
        if names.insert(wanted).inserted { return wanted }
        while true {
            let number = (numbers[wanted] ?? 1) + 1
            numbers[wanted] = number
            let name = "\(wanted)_\(number)"
            if names.insert(name).inserted { return name }
        }
    }

    /// - Returns: the new edge.
    mutating func append(
        _ op: Operation, _ inputs: [Int], output: String, name: String, source: String
    ) throws -> Int {
        let shapes = inputs.map { edges[$0].shape }
        let shape: [Int]
        switch op {
        case .graph(let op):
            let node = FloatGraph.Node(name: name, op: op, inputs: inputs.map { edges[$0].name }, output: output)
            shape = try graph.outputShape(of: node, shapes)
        case .affine, .answer: shape = shapes[0]
        case .pad(let top, let left, let bottom, let right):
            shape = [shapes[0][0], shapes[0][1] + top + bottom, shapes[0][2] + left + right]
            try checkSize(shape, name)
        }
        edges.append(.init(name: output, shape: shape))
        steps.append(.init(name: name, source: source, op: op, inputs: inputs, output: edges.count - 1))
        return edges.count - 1
    }

    private func checkSize(_ shape: [Int], _ name: String) throws {
        guard max(shape[1], shape[2]) <= FloatGraph.Limit.side else {
            throw GraphError.tooLarge(
                what: "side of node '\(name)'", count: max(shape[1], shape[2]), limit: FloatGraph.Limit.side)
        }
        let count = shape.reduce(1, *)
        guard count <= FloatGraph.Limit.values else {
            throw GraphError.tooLarge(what: "values of node '\(name)'", count: count, limit: FloatGraph.Limit.values)
        }
    }

    // MARK: For the rewritings

    /// The step that makes each edge; the input has none.
    var makers: [Int: Int] {
        Dictionary(uniqueKeysWithValues: steps.enumerated().map { ($1.output, $0) })
    }

    /// The steps that read each edge.
    var readers: [[Int]] {
        var result = [[Int]](repeating: [], count: edges.count)
        for (index, step) in steps.enumerated() {
            for edge in step.inputs { result[edge].append(index) }
        }
        return result
    }

    mutating func removeUnused() {
        let makers = makers
        var used = [Bool](repeating: false, count: steps.count)
        var pending = [output]
        while let edge = pending.popLast() {
            guard let maker = makers[edge], !used[maker] else { continue }
            used[maker] = true
            pending += steps[maker].inputs
        }
        steps = steps.indices.filter { used[$0] }.map { steps[$0] }
    }

    /// A factor and summand a channel as batch norm with mean 0 and variance 1, which folding deals with.
    ///
    /// - Throws: `ONNXError` for a step that no rewriting removed.
    mutating func floatGraph() throws -> FloatGraph {
        var constants: [String: String] = [:]  // means and variances, by what they are
        for step in steps {
            let op: GraphOp
            switch step.op {
            case .graph(let known): op = known
            case .affine(let scale, let shift):
                let channels = edges[step.output].shape[0]
                func weight(_ wanted: String, _ values: [Double]) -> String {
                    let name = newName(wanted)
                    graph.weights[name] = .init(
                        shape: [channels],
                        values: values.count == 1
                            ? [Float](repeating: Float(values[0]), count: channels) : values.map { Float($0) })
                    return name
                }
                func shared(_ value: Double, _ word: String) -> String {
                    let key = "\(word) of \(channels) channels"
                    let name = constants[key] ?? weight(key, [value])
                    constants[key] = name
                    return name
                }
                op = .batchNorm(
                    scale: weight(step.name + "/scale", scale), shift: weight(step.name + "/shift", shift),
                    mean: shared(0, "zeros"), variance: shared(1, "ones"), epsilon: 0)
            case .pad:
                throw step.refusal(
                    "its output is not read by convolutions and poolings only", accepted: Self.acceptedPad)
            case .answer:
                throw step.refusal(
                    "it stands inside the network", accepted: "\(step.source) as the last node, where it is left out")
            }
            graph.nodes.append(
                .init(
                    name: step.name, op: op, inputs: step.inputs.map { edges[$0].name },
                    output: edges[step.output].name))
        }
        graph.output = edges[output].name
        let used = Set(graph.nodes.flatMap(\.op.weights))
        graph.weights = graph.weights.filter { used.contains($0.key) }
        return graph
    }

    static let acceptedPad =
        "constant zeros around H and W, before a convolution, an average pooling, or a max pooling of values that are not negative"
}
