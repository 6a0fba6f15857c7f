// NetworkBuilder: small networks with seeded weights, an op a call, and folders of seeded photos to calibrate them on.

import Converter
import Foundation
import ModelGraph
import Tensors
import TinyRuntime

struct NetworkBuilder {
    private(set) var graph: FloatGraph
    private var random: SplitMix64
    private var channels: [String: Int]

    static let mean: [Float] = [120.5, 117.25, 103.5]
    static let deviation: [Float] = [58, 57, 57.5]

    init(side: Int = 16, seed: UInt64) {
        random = SplitMix64(seed: seed)
        graph = FloatGraph(
            name: "test", input: .init(name: "photo", channels: 3, height: side, width: side), nodes: [], output: "",
            weights: [:])
        channels = ["photo": 3]
    }

    mutating func node(_ op: GraphOp, _ inputs: [String], channels count: Int? = nil) -> String {
        let output = "edge\(graph.nodes.count)"
        graph.nodes.append(.init(name: "node\(graph.nodes.count)", op: op, inputs: inputs, output: output))
        graph.output = output
        channels[output] = count ?? channels[inputs[0]]
        return output
    }

    /// He-scaled weights, so that activations neither vanish nor explode.
    mutating func convolution(
        _ x: String, _ outputs: Int, kernel: Int, stride: Int = 1, depthwise: Bool = false, groups: Int = 1,
        bias: Bool = true
    ) -> String {
        let inputs = channels[x] ?? 0
        let groups = depthwise ? inputs : groups
        let pad = kernel / 2
        let weight = weight([outputs, inputs / groups, kernel, kernel])
        return node(
            .convolution(
                weight: weight, bias: bias ? vector(outputs, -0.3...0.3) : nil,
                window: Window(kernel: kernel, stride: stride, pad: pad), groups: groups),
            [x], channels: outputs)
    }

    /// Asymmetric padding, as TensorFlow's SAME at stride 2.
    mutating func convolutionSame(_ x: String, _ outputs: Int) -> String {
        let window = Window(
            kernelHeight: 3, kernelWidth: 3, strideHeight: 2, strideWidth: 2, padTop: 0, padBottom: 1, padLeft: 0,
            padRight: 1)
        let weight = weight([outputs, channels[x] ?? 0, 3, 3])
        return node(.convolution(weight: weight, bias: nil, window: window, groups: 1), [x], channels: outputs)
    }

    mutating func linear(_ x: String, _ outputs: Int, bias: Bool = true) -> String {
        let weight = weight([outputs, channels[x] ?? 0])
        return node(.linear(weight: weight, bias: bias ? vector(outputs, -0.5...0.5) : nil), [x], channels: outputs)
    }

    mutating func batchNorm(_ x: String) -> String {
        let count = channels[x] ?? 0
        return node(
            .batchNorm(
                scale: vector(count, 0.5...1.5), shift: vector(count, -0.5...0.5), mean: vector(count, -0.3...0.3),
                variance: vector(count, 0.5...1.5), epsilon: 1e-5), [x])
    }

    mutating func concat(_ parts: [String]) -> String {
        node(.concat, parts, channels: parts.reduce(0) { $0 + (channels[$1] ?? 0) })
    }

    private mutating func weight(_ shape: [Int]) -> String {
        let reach = Float(3.0 / Double(shape.dropFirst().reduce(1, *))).squareRoot() * 1.4
        return store(shape, -reach...reach)
    }

    private mutating func vector(_ count: Int, _ range: ClosedRange<Float>) -> String { store([count], range) }

    private mutating func store(_ shape: [Int], _ range: ClosedRange<Float>) -> String {
        let name = "weight\(graph.weights.count)"
        graph.weights[name] = .init(
            shape: shape, values: (0..<shape.reduce(1, *)).map { _ in Float.random(in: range, using: &random) })
        return name
    }

    /// The graph with metadata for its own photos: resized without loss, `labels` class names.
    func finished(labels: Int? = nil) -> FloatGraph {
        var graph = graph
        let side = graph.input.width
        let metadata = ModelMetadata(
            labels: (0..<(labels ?? channels[graph.output] ?? 0)).map { "class \($0)" },
            preprocessing: Preprocessing(
                resizeMode: .squash, resizeWidth: side, resizeHeight: side, cropWidth: side, cropHeight: side),
            mean: Self.mean, standardDeviation: Self.deviation)
        graph.metadata = metadata.properties
        return graph
    }

    /// RMG-PMSI in small: three taps, smooth convolutions (dense or separable), global max pools, the interaction, four
    /// classifiers, the sum of their logits; a MobileNetV2-like trunk with a residual.
    static func interactive(side: Int = 32, classes: Int = 7, separable: Bool, seed: UInt64) -> FloatGraph {
        var net = NetworkBuilder(side: side, seed: seed)
        func block(_ x: String, _ outputs: Int, stride: Int, _ net: inout NetworkBuilder) -> String {
            let wide = 2 * (net.channels[x] ?? 0)
            var y = net.node(.clip(low: 0, high: 6), [net.batchNorm(net.convolution(x, wide, kernel: 1, bias: false))])
            y = net.batchNorm(net.convolution(y, wide, kernel: 3, stride: stride, depthwise: true, bias: false))
            y = net.node(.clip(low: 0, high: 6), [y])
            y = net.batchNorm(net.convolution(y, outputs, kernel: 1, bias: false))
            return stride == 1 && net.channels[x] == outputs ? net.node(.add, [x, y]) : y
        }
        var x = net.convolution("photo", 8, kernel: 3, stride: 2, bias: false)
        x = net.node(.clip(low: 0, high: 6), [net.batchNorm(x)])
        let tap1 = block(block(x, 12, stride: 1, &net), 12, stride: 1, &net)
        let tap2 = block(tap1, 20, stride: 2, &net)
        let tap3 = block(tap2, 24, stride: 2, &net)
        var features: [String] = []
        for tap in [tap1, tap2, tap3] {
            var y = net.node(.relu, [net.batchNorm(net.convolution(tap, 16, kernel: 1, bias: false))])
            if separable {
                y = net.convolution(y, 16, kernel: 3, depthwise: true, bias: false)
                y = net.convolution(y, 20, kernel: 1, bias: false)
            } else {
                y = net.convolution(y, 20, kernel: 3, bias: false)
            }
            features.append(net.node(.globalMaxPool, [net.node(.relu, [net.batchNorm(y)])]))
        }
        let mixed = net.linear(net.linear(net.concat(features), 16), 20)
        let gated = features.map { feature in
            let gate = net.node(.sigmoid, [net.node(.multiply, [mixed, feature])])
            return net.node(.add, [feature, net.node(.multiply, [gate, feature])])
        }
        func classifier(_ x: String, _ net: inout NetworkBuilder) -> String {
            let hidden = net.batchNorm(net.linear(net.batchNorm(x), 16))
            return net.linear(net.node(.elu, [hidden]), classes)
        }
        var logits = gated.map { classifier($0, &net) }
        logits.append(classifier(net.concat(gated), &net))
        _ = logits.dropFirst().reduce(logits[0]) { net.node(.add, [$0, $1]) }
        return net.finished()
    }
}

/// A folder of seeded photos that is gone when this is.
final class PhotoFolder {
    let path: String

    /// Smooth waves and noise, so that photos differ and have structure; PPM, because it needs no encoder.
    init(count: Int, side: Int, seed: UInt64 = 1) throws {
        path = NSTemporaryDirectory() + "photos-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        var random = SplitMix64(seed: seed)
        for photo in 0..<count {
            let waves = (0..<9).map { _ in Double.random(in: 0...6, using: &random) }
            var bytes = Array("P6\n\(side) \(side)\n255\n".utf8)
            for y in 0..<side {
                for x in 0..<side {
                    for c in 0..<3 {
                        let phase = waves[c] + (waves[c + 3] - 3) * Double(x) / Double(side) * 4
                        let value = 128 + 90 * sin(phase + waves[c + 6] * Double(y) / Double(side) * 4)
                        bytes.append(UInt8(min(max(value + Double.random(in: -30...30, using: &random), 0), 255)))
                    }
                }
            }
            try Data(bytes).write(to: URL(fileURLWithPath: path + String(format: "/%03d.ppm", photo)))
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var images: [LabelledImage] { get throws { try LabelledImage.list(folder: path) } }
}
