// Every op, converted and run by the real runtime: each op's output bytes against plain Double loops on the bytes that
// came in, within half an output step and what rounding the weights may do. So no error of one op can hide behind
// another's.

import Converter
import Foundation
import ModelGraph
import Tensors
import Testing
import TinyRuntime

struct OpConversionTests {
    /// Networks that hold the op in question between a convolution on the photo and a linear layer.
    enum Network: String, CaseIterable {
        case denseStride2, sameStride2, depthwise, pointwise, oneByOneStride2, clips, residual, concatOfSameScale,
            concatOfScales,
            concatOfMany, maxPool, globalMaxPool, sigmoidGate, elu, loneRelu, loneClip, sumOfLinears, multiplyThenRelu,
            fewChannels, grouped, groupedPhoto, channelMultiplier, averagePool, averagePoolWithPadding, squeezeAndExcitation,
            hardSqueezeAndExcitation, silu, leakyRelu

        func graph(seed: UInt64) -> FloatGraph {
            var net = NetworkBuilder(side: 13, seed: seed)
            var x = net.convolution("photo", 10, kernel: 3, stride: 1)
            switch self {
            case .denseStride2: x = net.convolution(x, 17, kernel: 3, stride: 2)
            case .sameStride2: x = net.convolutionSame(net.convolutionSame("photo", 6), 9)
            case .depthwise:
                x = net.convolution(
                    net.convolution(x, 10, kernel: 3, stride: 2, depthwise: true), 10, kernel: 5, depthwise: true)
            case .pointwise: x = net.convolution(x, 33, kernel: 1)
            case .oneByOneStride2: x = net.convolution(x, 8, kernel: 1, stride: 2)
            case .clips:
                x = net.node(.clip(low: 0, high: 6), [x])
                x = net.node(.relu, [net.convolution(x, 12, kernel: 3)])
                x = net.node(.clip(low: -0.5, high: 0.75), [net.convolution(x, 12, kernel: 1)])
            case .residual: x = net.node(.relu, [net.node(.add, [x, net.convolution(x, 10, kernel: 3)])])
            case .concatOfSameScale:
                x = net.concat([net.node(.relu, [x]), net.node(.relu, [net.convolution("photo", 5, kernel: 3)])])
            case .concatOfScales:
                let small = net.node(.sigmoid, [net.convolution(x, 5, kernel: 1)])
                let product = net.node(.multiply, [small, small])  // a second reader, so that `small` keeps its scale
                x = net.concat([x, small, product])
            case .concatOfMany: x = net.concat((0..<9).map { net.convolution(x, 2 + $0 % 3, kernel: 1) })
            case .maxPool: x = net.node(.maxPool(window: Window(kernel: 3, stride: 2, pad: 1)), [x])
            case .globalMaxPool: x = net.node(.globalMaxPool, [x])
            case .sigmoidGate: x = net.node(.multiply, [x, net.node(.sigmoid, [net.convolution(x, 10, kernel: 1)])])
            case .elu: x = net.node(.elu, [net.convolution(x, 8, kernel: 1)])
            case .loneRelu: x = net.node(.add, [net.node(.relu, [x]), x])
            case .loneClip:
                x = net.node(
                    .clip(low: 0.1, high: 0.4), [net.node(.maxPool(window: Window(kernel: 2, stride: 2)), [x])])
            case .sumOfLinears:
                let pooled = net.node(.globalAveragePool, [x])
                let (a, b) = (net.node(.elu, [pooled]), net.node(.sigmoid, [pooled]))
                let sum = net.node(.add, [net.linear(a, 6), net.linear(b, 6, bias: false)])
                _ = net.node(.add, [sum, net.linear(net.node(.multiply, [a, b]), 6)])
                return net.finished()
            case .multiplyThenRelu:
                x = net.node(.relu, [net.node(.multiply, [x, net.convolution("photo", 10, kernel: 1)])])
            case .grouped:
                x = net.convolution(net.convolution(x, 24, kernel: 1), 40, kernel: 3, stride: 2, groups: 4)
                x = net.node(.relu, [net.convolution(x, 30, kernel: 1, groups: 2)])
            case .groupedPhoto:  // not padded: only a dense convolution can pad with the mean pixel
                x = net.convolution(net.convolution("photo", 6, kernel: 1, groups: 3), 8, kernel: 3)
            case .channelMultiplier: x = net.convolution(x, 30, kernel: 3, groups: 10)
            case .averagePool, .averagePoolWithPadding:
                let window = Window(
                    kernelHeight: 3, kernelWidth: 2, strideHeight: 2, strideWidth: 1, padTop: 1, padBottom: 0,
                    padLeft: 1, padRight: 1)
                let pooled = net.node(.averagePool(window: window, countsPadding: self != .averagePool), [x])
                let whole = Window(kernel: 2, stride: 2)
                x = net.node(.relu, [net.node(.averagePool(window: whole, countsPadding: true), [pooled])])
            case .squeezeAndExcitation, .hardSqueezeAndExcitation:
                let isHard = self == .hardSqueezeAndExcitation
                let wide = net.node(isHard ? .hardSwish : .silu, [net.convolution(x, 24, kernel: 3)])
                let squeezed = net.linear(net.node(.globalAveragePool, [wide]), 6)
                let excited = net.linear(net.node(isHard ? .relu : .silu, [squeezed]), 24)
                let gate = net.node(isHard ? .hardSigmoid(alpha: 1.0 / 6, beta: 0.5) : .sigmoid, [excited])
                x = net.convolution(net.node(.multiply, [wide, gate]), 12, kernel: 1)
            case .silu: x = net.node(.silu, [x])
            case .leakyRelu: x = net.node(.leakyRelu(slope: 0.1), [x])
            case .fewChannels: x = net.convolution(net.convolution(x, 3, kernel: 1), 7, kernel: 3)
            }
            if self != .globalMaxPool { x = net.node(.globalAveragePool, [x]) }
            _ = net.linear(x, 5)
            return net.finished()
        }
    }

    struct Stages {
        var calibrated: CalibratedGraph
        var planned: PlannedGraph
        var bytes: Data

        init(_ graph: FloatGraph, _ photos: PhotoFolder) throws {
            let metadata = try MetadataOptions().resolved(for: graph)
            calibrated = try Calibration.calibrate(
                OperatorFusion.fuse(FoldedGraph(folding: graph)), on: photos.images,
                from: PhotoSource(metadata: metadata, threads: 1, strict: true)
            ) { _ in }
            planned = try MemoryPlanner.plan(
                BlockFusion.fuse(Quantization.quantize(calibrated, ranges: .meanSquaredError)))
            bytes = try ModelWriter.write(planned, metadata: metadata)
        }
    }

    @Test(arguments: Network.allCases, [UInt64(1), 2])
    func everyOpIsWithinItsRounding(_ network: Network, _ seed: UInt64) throws {
        let graph = network.graph(seed: seed)
        let photos = try PhotoFolder(count: 6, side: graph.input.width)
        let stages = try Stages(graph, photos)
        let model = try stages.bytes.withUnsafeBytes { bytes throws(ModelError) in try Model(copying: bytes) }
        let session = try Session(model: model, instructionSet: .plain)
        var random = SplitMix64(seed: seed)
        random.fill(session.input)
        let tensors = stages.planned.graph.tensors
        var outputs: [Int: [UInt8]] = [0: Array(session.input)]
        session.run(afterEachStep: { op, bytes in outputs[stages.planned.graph.ops[op].output] = Array(bytes) })

        for op in stages.planned.graph.ops {
            let inputs = op.inputs.map { Self.image(outputs[$0, default: []], tensors[$0], isPhoto: $0 == 0) }
            let step = stages.calibrated.fused.steps.first { $0.name == op.name }
            let reference = Self.reference(op, step, inputs, tensors, stages.calibrated)
            let output = tensors[op.output]
            let (low, high) = (output.affine.dequantize(0), output.affine.dequantize(255))
            for (place, byte) in outputs[op.output, default: []].enumerated() {
                var expected = reference.value.values[place]
                if let clamp = step?.clamp { expected = min(max(expected, Double(clamp.low)), Double(clamp.high)) }
                expected = min(max(expected, low), high)
                let difference = abs(output.affine.dequantize(byte) - expected)
                let limit = 0.502 * Double(output.affine.scale) + reference.weightBound[place]
                #expect(
                    difference <= limit,
                    "\(network), seed \(seed), \(op.name) at \(place): \(difference), limit \(limit)")
                if difference > limit { return }
            }
        }
    }

    /// Real values; the photo's as the float network sees them.
    private static func image(_ bytes: [UInt8], _ tensor: QuantizedGraph.Tensor, isPhoto: Bool) -> StepReference.Image {
        let values = bytes.enumerated().map { index, byte in
            isPhoto
                ? (Double(byte) - Double(NetworkBuilder.mean[index % 3])) / Double(NetworkBuilder.deviation[index % 3])
                : tensor.affine.dequantize(byte)
        }
        return StepReference.Image(
            height: tensor.height, width: tensor.width, channels: tensor.channels, values: values)
    }

    private static func reference(
        _ op: QuantizedGraph.Op, _ step: FusedStep?, _ inputs: [StepReference.Image],
        _ tensors: [QuantizedGraph.Tensor],
        _ calibrated: CalibratedGraph
    ) -> StepReference {
        let output = tensors[op.output]
        let size = (output.height, output.width, output.channels)
        guard let step else {
            // A table that changes the scale, or a part of a long concat: both keep values.
            return StepReference(.concat, inputs, weights: [:], output: size, padding: [], weightSteps: [])
        }
        var padding = [Double](repeating: 0, count: inputs[0].channels)
        var steps = op.weightScales
        if op.inputs[0] == 0 {
            padding = zip(NetworkBuilder.mean, NetworkBuilder.deviation).map {
                (Double($0.rounded(.toNearestOrEven)) - Double($0)) / Double($1)
            }
            steps = steps.map { $0 * (NetworkBuilder.deviation.max() ?? 0) }
        }
        var reference = StepReference(
            step.op, inputs, weights: calibrated.fused.graph.weights, output: size, padding: padding, weightSteps: steps
        )
        // The bias's correction: at most half a step of each weight on each channel's mean.
        if !steps.isEmpty, let means = calibrated.edges[step.inputs[0]]?.channelMeans {
            let taps = calibrated.fused.graph.weights[step.op.weights[0]]?.shape.dropFirst(2).reduce(1, *) ?? 1
            for place in reference.weightBound.indices {
                let channel = place % output.channels
                let count = means.count / step.op.groups
                let first = channel / (output.channels / step.op.groups) * count
                let reach = means[first..<first + count].reduce(0) { $0 + abs($1) }
                reference.weightBound[place] += reach * Double(taps) * Double(steps[channel]) / 2
            }
        }
        return reference
    }

    @Test func scalesAreSharedOrChangedByTheRule() throws {
        func kinds(_ network: Network) throws -> [String] {
            let graph = network.graph(seed: 1)
            let photos = try PhotoFolder(count: 4, side: graph.input.width)
            let stages = try Stages(graph, photos)
            return stages.planned.graph.ops.map { op in
                if case .table = op.kind { return op.name.contains("rescale") ? "rescale" : "table" }
                return "\(op.kind)".prefix { $0 != "(" }.description
            }
        }
        // The sigmoid's output is read by a multiply too, and its range is far below the concat's.
        #expect(try kinds(.concatOfScales).count { $0 == "rescale" } == 1)
        #expect(try !kinds(.concatOfSameScale).contains("rescale"))
        // Nine inputs, four an op: 4 + 4 + 3.
        #expect(try kinds(.concatOfMany).count { $0 == "concat" } == 3)
        // One linear layer is left of three, and no add.
        let merged = try kinds(.sumOfLinears)
        #expect(merged.count { $0 == "fullyConnected" } == 1 && !merged.contains("add"))
        // ReLUs after ops that clamp are gone.
        #expect(try !kinds(.clips).contains("table"))
        #expect(try kinds(.loneRelu).contains("table"))
    }
}

extension QuantizedGraph.Op {
    var weightScales: [Float] {
        switch kind {
        case .convolution(let weights, _, _), .depthwise(let weights, _), .groupedConvolution(let weights, _, _),
            .fullyConnected(let weights):
            weights.scales
        default: []
        }
    }
}

extension GraphOp {
    fileprivate var groups: Int { if case .convolution(_, _, _, let groups) = self { groups } else { 1 } }
}
