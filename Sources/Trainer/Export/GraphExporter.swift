// GraphExporter: a forward pass that computes nothing and writes down nodes. The network that was trained and the graph that is exported
// come from the same `forward`, so they cannot part. Batch norm stays visible (the Converter folds it), dropout vanishes, padding stays
// four explicit numbers. Left out: the ONNX bytes, which ModelGraph makes of the graph.

import ModelGraph
import Tensors

package final class GraphExporter: ForwardContext {
    /// An edge's name.
    package typealias Value = String

    private var nodes: [FloatGraph.Node] = []
    private var weights: [String: FloatGraph.Weight] = [:]
    private var uses: [String: Int] = [:]

    private init() {}

    /// The graph of `network.answer`: input `image`, N × 3 × imageSize × imageSize, normalized; output `logits`, N × classes.
    /// - Parameter metadata: Goes into the graph's metadata: labels and preprocessing.
    package static func graph(of network: any Network, name: String, metadata: ModelMetadata) throws -> FloatGraph {
        let exporter = GraphExporter()
        let input = FloatGraph.Input(name: "image", channels: 3, height: network.imageSize, width: network.imageSize)
        exporter.uses = ["image": 1, "logits": 1]
        let answer = exporter.write(network, input: input.name)
        var nodes = exporter.nodes
        // The last node's output takes the name that a reader of the file looks for.
        for index in nodes.indices {
            if nodes[index].output == answer { nodes[index].output = "logits" }
            nodes[index].inputs = nodes[index].inputs.map { $0 == answer ? "logits" : $0 }
        }
        return FloatGraph(
            name: name, input: input, nodes: nodes, output: "logits", weights: exporter.weights,
            metadata: metadata.properties)
    }

    private func write(_ network: some Network, input: String) -> String { network.answer(input, in: self) }

    // MARK: ForwardContext

    package func convolution(_ x: String, weight: Parameter, bias: Parameter?, window: Window, groups: Int) -> String {
        node(
            Self.layerName(weight),
            .convolution(weight: use(weight), bias: bias.map(use), window: window, groups: groups),
            [x])
    }

    package func batchNorm(_ x: String, _ layer: BatchNorm, activation: Activation) -> String {
        let normalized = node(
            Self.layerName(layer.scale),
            .batchNorm(
                scale: use(layer.scale), shift: use(layer.shift), mean: use(layer.runningMean),
                variance: use(layer.runningVariance), epsilon: layer.epsilon),
            [x])
        return activate(normalized, activation)
    }

    package func linear(_ x: String, weight: Parameter, bias: Parameter?) -> String {
        node(Self.layerName(weight), .linear(weight: use(weight), bias: bias.map(use)), [x])
    }

    package func activate(_ x: String, _ activation: Activation) -> String {
        switch activation {
        case .identity: x
        case .relu: node(x + ".relu", .relu, [x])
        case .relu6: node(x + ".relu6", .clip(low: 0, high: 6), [x])
        case .sigmoid: node(x + ".sigmoid", .sigmoid, [x])
        case .elu: node(x + ".elu", .elu, [x])
        }
    }

    package func add(_ a: String, _ b: String) -> String { node("add", .add, [a, b]) }
    package func multiply(_ a: String, _ b: String) -> String { node("multiply", .multiply, [a, b]) }
    package func concat(_ parts: [String]) -> String { node("concat", .concat, parts) }
    package func dropout(_ x: String, rate: Float) -> String { x }
    package func globalAveragePool(_ x: String) -> String { node("global_average_pool", .globalAveragePool, [x]) }
    package func globalMaxPool(_ x: String) -> String { node("global_max_pool", .globalMaxPool, [x]) }
    package func maxPool(_ x: String, window: Window) -> String { node("max_pool", .maxPool(window: window), [x]) }

    // MARK: Parts

    /// `features.0.0.weight` belongs to the node `features.0.0`.
    private static func layerName(_ parameter: Parameter) -> String {
        parameter.name.hasSuffix(".weight") ? String(parameter.name.dropLast(".weight".count)) : parameter.name
    }

    /// A node's name is its edge's; the second of a name gets `_1`, and so on.
    private func node(_ name: String, _ op: GraphOp, _ inputs: [String]) -> String {
        var unique = name
        while let count = uses[unique] {
            uses[unique] = count + 1
            unique = "\(name)_\(count)"
        }
        uses[unique] = 1
        nodes.append(FloatGraph.Node(name: unique, op: op, inputs: inputs, output: unique))
        return unique
    }

    private func use(_ parameter: Parameter) -> String {
        if weights[parameter.name] == nil {
            let entry = parameter.fileEntry(of: parameter.value)
            weights[parameter.name] = FloatGraph.Weight(shape: entry.shape, values: entry.values)
        }
        return parameter.name
    }
}
