// FloatInterpreter: runs a FloatGraph with numbers, on any backend. Calibration and parity look at every edge through
// it, `tiny evaluate` and `tiny infer` only at the answer. Inside, images are N H W C; the graph's weights (ONNX's
// layout) are brought to the backend's once.

import ModelGraph
import Tensors

package struct FloatInterpreter: Sendable {
    package let graph: FloatGraph
    private let backend: any Backend
    /// One a node, for looking at every edge.
    private let steps: [Step]
    /// Batch norms joined with the activation after them, for speed.
    private let fusedSteps: [Step]

    /// - Throws: `GraphError` if the graph is not complete and consistent.
    package init(_ graph: FloatGraph, backend: any Backend) throws {
        _ = try graph.shapes()
        self.graph = graph
        self.backend = backend
        var weights = InterpreterWeights(graph.weights, backend)
        let plain = try graph.nodes.map { node in
            Step(kernel: try Kernel(node, &weights), inputs: node.inputs, output: node.output, lastUses: [])
        }
        steps = Step.withLastUses(plain, answer: graph.output)
        fusedSteps = Step.withLastUses(Step.fused(plain, answer: graph.output), answer: graph.output)
    }

    /// - Parameter x: N H W C, normalized as the graph expects it; N is free.
    /// - Returns: logits, N C.
    package func run(_ x: Tensor) -> Tensor { run(fusedSteps, x, observe: { _, _ in }) }

    /// As `run`, one step a node.
    /// - Parameter observe: called with each edge's name and values (N H W C or N C), the input's first, then in the
    ///   order of execution.
    package func run(_ x: Tensor, observe: (String, Tensor) throws -> Void) rethrows -> Tensor {
        try run(steps, x, observe: observe)
    }

    private func run(_ steps: [Step], _ x: Tensor, observe: (String, Tensor) throws -> Void) rethrows -> Tensor {
        let size = [graph.input.height, graph.input.width, graph.input.channels]
        precondition(
            x.shape.count == 4 && x.shape.dropFirst() == size[...], "x is \(x.shape), the graph takes N × \(size)")
        var edges = [graph.input.name: x]
        try observe(graph.input.name, x)
        for step in steps {
            let result = step.kernel.run(step.inputs.map { value($0, edges) }, on: backend)
            try observe(step.output, result)
            edges[step.output] = result
            for edge in step.lastUses { edges[edge] = nil }
        }
        return value(graph.output, edges)
    }

    private func value(_ edge: String, _ edges: [String: Tensor]) -> Tensor {
        guard let tensor = edges[edge] else {
            preconditionFailure("edge '\(edge)' has no value; the graph was checked")
        }
        return tensor
    }
}

/// A kernel between named edges.
private struct Step: Sendable {
    var kernel: Kernel
    var inputs: [String]
    var output: String
    /// Edges that nothing after this step reads: their memory is given back.
    var lastUses: [String]

    static func withLastUses(_ steps: [Step], answer: String) -> [Step] {
        var steps = steps
        var later: Set = [answer]
        for index in steps.indices.reversed() {
            let edges = Set(steps[index].inputs + [steps[index].output])
            steps[index].lastUses = edges.subtracting(later).sorted()
            later.formUnion(edges)
        }
        return steps
    }

    /// Batch norm and the ReLU or ReLU6 that alone reads it become one step.
    static func fused(_ steps: [Step], answer: String) -> [Step] {
        var readers: [String: Int] = [answer: 1]
        for edge in steps.flatMap(\.inputs) { readers[edge, default: 0] += 1 }
        var result: [Step] = []
        var positions: [String: Int] = [:]  // of batch norms in `result`, by output
        for step in steps {
            if case .activate(let activation) = step.kernel, activation == .relu || activation == .relu6,
                let position = positions[step.inputs[0]], readers[step.inputs[0]] == 1,
                case .batchNorm(let norm, .identity) = result[position].kernel
            {
                result[position].kernel = .batchNorm(norm, activation)
                result[position].output = step.output
            } else {
                if case .batchNorm = step.kernel { positions[step.output] = result.count }
                result.append(step)
            }
        }
        return result
    }
}

/// One op with its weights on the backend.
private enum Kernel: Sendable {
    struct Norm: Sendable {
        var scale: Tensor
        var shift: Tensor
        var mean: Tensor
        var variance: Tensor
        var epsilon: Float
    }

    case convolution(weight: Tensor, bias: Tensor?, window: Window, groups: Int)
    case batchNorm(Norm, Activation)
    case linear(weight: Tensor, bias: Tensor?)
    case activate(Activation)
    case clamp(low: Float, high: Float)
    case apply(InferenceFunction)
    case add, multiply, concat, globalAveragePool, globalMaxPool
    case maxPool(Window)
    case averagePool(Window, countsPadding: Bool)

    init(_ node: FloatGraph.Node, _ weights: inout InterpreterWeights) throws {
        switch node.op {
        case .convolution(let weight, let bias, let window, let groups):
            self = .convolution(
                weight: try weights.convolution(weight), bias: try bias.map { try weights.plain($0) }, window: window,
                groups: groups)
        case .batchNorm(let scale, let shift, let mean, let variance, let epsilon):
            self = .batchNorm(
                Norm(
                    scale: try weights.plain(scale), shift: try weights.plain(shift), mean: try weights.plain(mean),
                    variance: try weights.plain(variance), epsilon: epsilon), .identity)
        case .linear(let weight, let bias):
            self = .linear(weight: try weights.plain(weight), bias: try bias.map { try weights.plain($0) })
        case .relu: self = .activate(.relu)
        case .clip(low: 0, high: 6): self = .activate(.relu6)
        case .clip(let low, let high): self = .clamp(low: low, high: high)
        case .sigmoid: self = .activate(.sigmoid)
        case .elu: self = .activate(.elu)
        case .hardSigmoid(let alpha, let beta): self = .apply(.hardSigmoid(alpha: alpha, beta: beta))
        case .hardSwish: self = .apply(.hardSwish)
        case .silu: self = .apply(.silu)
        case .leakyRelu(let slope): self = .apply(.leakyRelu(slope: slope))
        case .add: self = .add
        case .multiply: self = .multiply
        case .concat: self = .concat
        case .globalAveragePool: self = .globalAveragePool
        case .globalMaxPool: self = .globalMaxPool
        case .maxPool(let window): self = .maxPool(window)
        case .averagePool(let window, let countsPadding): self = .averagePool(window, countsPadding: countsPadding)
        }
    }

    func run(_ inputs: [Tensor], on backend: any Backend) -> Tensor {
        switch self {
        case .convolution(let weight, let bias, let window, let groups):
            backend.convolution(inputs[0], weight: weight, bias: bias, window: window, groups: groups)
        case .batchNorm(let norm, let activation):
            backend.batchNormInference(
                inputs[0], scale: norm.scale, shift: norm.shift, runningMean: norm.mean, runningVariance: norm.variance,
                epsilon: norm.epsilon, activation: activation)
        case .linear(let weight, let bias): backend.linear(inputs[0], weight: weight, bias: bias)
        case .activate(let activation): backend.activate(inputs[0], activation)
        case .clamp(let low, let high): backend.clamp(inputs[0], low: low, high: high)
        case .apply(let function): backend.apply(function, to: inputs[0])
        case .add: backend.add(inputs[0], inputs[1])
        case .multiply:
            inputs[0].shape == inputs[1].shape
                ? backend.multiply(inputs[0], inputs[1]) : backend.scaleChannels(inputs[0], by: inputs[1])
        case .concat: backend.concat(inputs)
        case .globalAveragePool: backend.globalAveragePool(inputs[0])
        case .globalMaxPool: backend.globalMaxPool(inputs[0])
        case .maxPool(let window): backend.maxPool(inputs[0], window: window)
        case .averagePool(let window, let countsPadding):
            backend.averagePool(inputs[0], window: window, countsPadding: countsPadding)
        }
    }
}

/// The graph's weights as tensors, each made once however many nodes share it.
private struct InterpreterWeights {
    private let weights: [String: FloatGraph.Weight]
    private let backend: any Backend
    private var made: [String: Tensor] = [:]

    init(_ weights: [String: FloatGraph.Weight], _ backend: any Backend) {
        self.weights = weights
        self.backend = backend
    }

    /// As it lies in the graph.
    mutating func plain(_ name: String) throws -> Tensor {
        try tensor(name, as: name) { $1.makeTensor(shape: $0.shape, values: $0.values) }
    }

    /// O I KH KW → O KH KW I.
    mutating func convolution(_ name: String) throws -> Tensor {
        try tensor(name, as: name + " transposed") { weight, backend in
            let (outputs, inputs, pixels) = (weight.shape[0], weight.shape[1], weight.shape[2] * weight.shape[3])
            var values = [Float](repeating: 0, count: weight.values.count)
            for output in 0..<outputs {
                for input in 0..<inputs {
                    for pixel in 0..<pixels {
                        values[(output * pixels + pixel) * inputs + input] =
                            weight.values[(output * inputs + input) * pixels + pixel]
                    }
                }
            }
            return backend.makeTensor(shape: [outputs, weight.shape[2], weight.shape[3], inputs], values: values)
        }
    }

    private mutating func tensor(_ name: String, as key: String, make: (FloatGraph.Weight, any Backend) -> Tensor)
        throws -> Tensor
    {
        if let tensor = made[key] { return tensor }
        guard let weight = weights[name] else { throw GraphError.badWeight(name: name, reason: "it is missing") }
        let tensor = make(weight, backend)
        made[key] = tensor
        return tensor
    }
}
