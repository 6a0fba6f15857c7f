// Equalization changes weights, never answers: float before and after on the calibration photos; what it is for: channels
// of like size; and what it must leave alone.

import Converter
import Foundation
import ModelGraph
import Tensors
import Testing

struct EqualizationTests {
    /// Inverted residuals with channels of very unlike size, as trained networks have them.
    private func network(clip: Bool, seed: UInt64) -> FloatGraph {
        var net = NetworkBuilder(side: 16, seed: seed)
        let activation: GraphOp = clip ? .clip(low: 0, high: 6) : .relu
        var x = net.node(activation, [net.convolution("photo", 8, kernel: 3)])
        x = net.convolution(x, 8, kernel: 1)
        for _ in 0..<2 {
            var y = net.node(activation, [net.convolution(x, 24, kernel: 1)])
            y = net.node(activation, [net.convolution(y, 24, kernel: 3, depthwise: true)])
            x = net.node(.add, [x, net.convolution(y, 8, kernel: 1)])
        }
        _ = net.linear(net.node(.globalAveragePool, [x]), 5)
        var graph = net.finished()
        var random = SeededGenerator(state: seed)
        for node in graph.nodes where node.op.weights.count > 1 && node.name != graph.nodes.last?.name {
            // One factor a row of weight and bias.
            for name in node.op.weights {
                guard var weight = graph.weights[name] else { continue }
                let rows = weight.shape[0]
                var factors = random
                let size = weight.values.count / rows
                let scales = (0..<rows).map { _ in exp2(Float.random(in: -2...1, using: &factors)) }
                for index in weight.values.indices { weight.values[index] *= scales[index / size] }
                graph.weights[name] = weight
            }
            _ = random.next()
        }
        return graph
    }

    private struct Run {
        var logits: [Float]
        /// Largest magnitude of each channel, by edge.
        var sizes: [String: [Float]] = [:]

        init(_ graph: FloatGraph, _ photos: PhotoFolder) throws {
            let interpreter = try FloatInterpreter(graph, backend: PlainBackend())
            let metadata = try MetadataOptions().resolved(for: graph)
            var values: [Float] = []
            let images = try photos.images
            for image in images {
                let side = graph.input.width
                let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: image.path))).suffix(side * side * 3)
                values += bytes.enumerated().map {
                    (Float($1) - metadata.mean[$0 % 3]) / metadata.standardDeviation[$0 % 3]
                }
            }
            let x = PlainBackend().makeTensor(
                shape: [images.count, graph.input.height, graph.input.width, 3], values: values)
            var sizes: [String: [Float]] = [:]
            logits = interpreter.run(x) { edge, tensor in
                let channels = tensor.shape[tensor.shape.count - 1]
                var largest = [Float](repeating: 0, count: channels)
                for (index, value) in tensor.array().enumerated() {
                    largest[index % channels] = max(largest[index % channels], abs(value))
                }
                sizes[edge] = largest
            }.array()
            self.sizes = sizes
        }
    }

    @Test(arguments: [true, false], [UInt64(5), 6, 7])
    func answersStayAsTheyAre(_ clip: Bool, _ seed: UInt64) throws {
        let graph = network(clip: clip, seed: seed)
        let photos = try PhotoFolder(count: 8, side: 16, seed: seed)
        let fused = try OperatorFusion.fuse(FoldedGraph(folding: graph))
        let source = PhotoSource(metadata: try MetadataOptions().resolved(for: graph), threads: 2, strict: true)
        let equalized = try Equalization.equalize(fused, on: photos.images, from: source) { _ in }
        let before = try Run(fused.graph, photos)
        let after = try Run(equalized.graph, photos)

        let largest = before.logits.map(abs).max() ?? 0
        for (a, b) in zip(before.logits, after.logits) {
            #expect(abs(a - b) <= 1e-4 * largest, "clip \(clip), seed \(seed): \(a) became \(b)")
        }
        #expect(equalized.graph.weights != fused.graph.weights)
        #expect(equalized.steps == fused.steps)
        // Channels' sizes moved towards each other: the mean share of the edge's largest, over all edges of the device.
        func evenness(_ run: Run) -> Float {
            let shares = fused.steps.compactMap { run.sizes[$0.output] }.flatMap { sizes -> [Float] in
                let largest = sizes.max() ?? 0
                return largest > 0 ? sizes.map { $0 / largest } : []
            }
            return shares.reduce(0, +) / Float(shares.count)
        }
        #expect(evenness(after) > evenness(before) + 0.02, "\(evenness(before)) → \(evenness(after))")
        // No edge grew beyond its clip, none of the channels that reached it moved.
        for (node, edge) in fused.graph.nodes.map({ ($0, $0.output) }) {
            guard case .clip(_, let high) = node.op, let a = before.sizes[edge], let b = after.sizes[edge] else { continue }
            for channel in a.indices where a[channel] >= high {
                #expect(b[channel] == a[channel], "\(edge), channel \(channel)")
            }
        }
    }

    /// The interaction's edges go through products, tables and concats, and the logits are what they are.
    @Test func edgesThroughWhichNoFactorPassesAreLeftAlone() throws {
        let graph = NetworkBuilder.interactive(separable: true, seed: 8)
        let fused = try OperatorFusion.fuse(FoldedGraph(folding: graph))
        let photos = try PhotoFolder(count: 6, side: 32)
        let source = PhotoSource(metadata: try MetadataOptions().resolved(for: graph), threads: 1, strict: true)
        let equalized = try Equalization.equalize(fused, on: photos.images, from: source) { _ in }
        func isLinear(_ node: FloatGraph.Node) -> Bool { if case .linear = node.op { true } else { false } }
        var checked = 0
        for node in fused.graph.nodes {
            guard case .linear(let weight, let bias) = node.op else { continue }
            // Between the interaction's two linear layers a factor does pass.
            let nodes = fused.graph.nodes
            guard !nodes.contains(where: { isLinear($0) && $0.output == node.inputs[0] }),
                !nodes.contains(where: { isLinear($0) && $0.inputs.contains(node.output) })
            else { continue }
            checked += 1
            #expect(equalized.graph.weights[weight] == fused.graph.weights[weight], "\(node.name)")
            if let bias { #expect(equalized.graph.weights[bias] == fused.graph.weights[bias], "\(node.name)") }
        }
        #expect(checked >= 5, "the classifiers")
    }
}
