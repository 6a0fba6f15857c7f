// Quantization: from float steps and what calibration saw of their edges to integers. Scales come from
// ActivationScales, weights from WeightQuantization; here the ops are put together: clamps, tables, multipliers, and
// the photo's mean and deviation folded into the convolutions that read it. The network's input is the photo's bytes as
// they are; the mean pixel, rounded, stands outside the image. Left out: memory and file offsets.

import ModelGraph
import Tensors

package enum Quantization {
    /// - Throws: `ConversionError.badNode`, `.badPreprocessing` (a mean that is no pixel, where padding needs it).
    package static func quantize(_ calibrated: CalibratedGraph, ranges: RangeMethod) throws -> QuantizedGraph {
        try quantizeKeepingLayers(calibrated, ranges: ranges).graph
    }

    /// As `quantize`, and a way back from an op with weights to its float layer: what learned rounding starts from.
    package static func quantizeKeepingLayers(_ calibrated: CalibratedGraph, ranges: RangeMethod) throws
        -> (graph: QuantizedGraph, layer: @Sendable (_ op: QuantizedGraph.Op) throws -> WeightedLayer)
    {
        var builder = Builder(calibrated, ActivationScales(calibrated, by: ranges))
        for (index, step) in calibrated.fused.steps.enumerated() { try builder.append(step, at: index) }
        let graph = QuantizedGraph(
            tensors: builder.tensors, ops: builder.ops, output: builder.places[calibrated.fused.graph.output] ?? 0)
        let finished = builder
        let steps = Dictionary(calibrated.fused.steps.map { ($0.output, $0) }, uniquingKeysWith: { first, _ in first })
        return (
            graph,
            { op in
                guard let step = steps[graph.tensors[op.output].name] else {
                    throw ConversionError.badNode(name: op.name, reason: "no step of the float network")
                }
                return try finished.layer(of: step, Double(graph.tensors[op.output].affine.scale))
            }
        )
    }
}

private struct Builder: Sendable {
    let calibrated: CalibratedGraph
    let scales: ActivationScales
    var tensors: [QuantizedGraph.Tensor] = []
    var ops: [QuantizedGraph.Op] = []
    /// Tensor by edge.
    var places: [String: Int] = [:]

    private var graph: FloatGraph { calibrated.fused.graph }

    init(_ calibrated: CalibratedGraph, _ scales: ActivationScales) {
        self.calibrated = calibrated
        self.scales = scales
        let input = calibrated.fused.graph.input
        _ = place(input.name, shape: [input.channels, input.height, input.width], AffineScale(scale: 1, zeroPoint: 0))
    }

    private mutating func place(_ edge: String, shape: [Int], _ affine: AffineScale) -> Int {
        let isImage = shape.count == 3
        tensors.append(
            QuantizedGraph.Tensor(
                name: edge, height: isImage ? shape[1] : 1, width: isImage ? shape[2] : 1, channels: shape.first ?? 0,
                affine: affine))
        places[edge] = tensors.count - 1
        return tensors.count - 1
    }

    mutating func append(_ step: FusedStep, at index: Int) throws {
        guard let affine = scales.affine[step.output], let shape = calibrated.fused.shapes[step.output] else { return }
        var inputs = step.inputs.compactMap { places[$0] }
        if step.op == .concat {
            inputs = try inputsOfConcat(step, inputs, rescaled: scales.rescaled[index] ?? [], affine)
        }
        let kind = try kind(of: step, inputs, output: affine)
        let output = place(step.output, shape: shape, affine)
        ops.append(
            QuantizedGraph.Op(
                name: step.name, kind: kind, inputs: inputs, output: output,
                clamp: step.clamp?.quantized(affine) ?? 0...255))
    }

    private func kind(of step: FusedStep, _ inputs: [Int], output: AffineScale) throws -> QuantizedGraph.Kind {
        let inputScales = inputs.map { Double(tensors[$0].affine.scale) }
        let outputScale = Double(output.scale)
        switch step.op {
        case .convolution(let weight, _, let window, let groups):
            let isDepthwise = groups > 1 && graph.weights[weight]?.shape.prefix(2) == [groups, 1]
            let weights = try weights(of: step, outputScale)
            let pad = try padPixel(step, window, isDense: groups == 1)
            if isDepthwise { return .depthwise(weights, window) }
            guard groups > 1 else { return .convolution(weights, window, padPixel: pad) }
            guard groups <= UInt16.max else {
                throw ConversionError.badNode(name: step.name, reason: "\(groups) groups; at most \(UInt16.max)")
            }
            return .groupedConvolution(weights, window, groups: groups)
        case .linear: return .fullyConnected(try weights(of: step, outputScale))
        case .add:
            return .add(scale0: Float(inputScales[0] / outputScale), scale1: Float(inputScales[1] / outputScale))
        case .multiply where tensors[inputs[0]].bytes != tensors[inputs[1]].bytes:
            return .scaleChannels(scale: Float(inputScales[0] * inputScales[1] / outputScale))
        case .multiply: return .multiply(scale: Float(inputScales[0] * inputScales[1] / outputScale))
        case .concat: return .concat
        case .globalAveragePool:
            let pixels = tensors[inputs[0]].height * tensors[inputs[0]].width
            return .globalAveragePool(scale: Float(inputScales[0] / (Double(pixels) * outputScale)))
        case .globalMaxPool: return .globalMaxPool
        case .maxPool(let window): return .maxPool(window)
        case .averagePool(let window, let countsPadding):
            return .averagePool(
                scale: Float(inputScales[0] / outputScale), window, countsPadding: countsPadding)
        case .relu, .clip, .sigmoid, .elu, .hardSigmoid, .hardSwish, .silu, .leakyRelu, .batchNorm:
            guard let function = step.op.table else {
                throw ConversionError.badNode(name: step.name, reason: "a \(step.op.name) cannot stand here")
            }
            return .table(Self.table(from: tensors[inputs[0]].affine, to: output, function))
        }
    }

    // MARK: Tables and concat

    static func table(from input: AffineScale, to output: AffineScale, _ function: (Double) -> Double) -> [UInt8] {
        (0...255).map { output.quantize(function(input.dequantize(UInt8($0)))) }
    }

    /// Tables for the inputs that keep their own scale, and a chain of concats where there are more inputs than an op
    /// takes.
    private mutating func inputsOfConcat(
        _ step: FusedStep, _ inputs: [Int], rescaled: Set<String>, _ affine: AffineScale
    ) throws -> [Int] {
        var inputs = inputs
        for (position, edge) in step.inputs.enumerated() where rescaled.contains(edge) {
            let name = "\(edge) for \(step.output)"
            if let done = places[name] {
                inputs[position] = done
                continue
            }
            let source = tensors[inputs[position]]
            let output = place(name, shape: [source.channels, source.height, source.width], affine)
            ops.append(
                QuantizedGraph.Op(
                    name: "\(step.name).rescale\(position)",
                    kind: .table(Self.table(from: source.affine, to: affine) { $0 }),
                    inputs: [inputs[position]], output: output))
            inputs[position] = output
        }
        var part = 0
        while inputs.count > 4 {
            let joined = Array(inputs.prefix(4))
            let first = tensors[joined[0]]
            let channels = joined.reduce(0) { $0 + tensors[$1].channels }
            let output = place("\(step.output) part \(part)", shape: [channels, first.height, first.width], affine)
            ops.append(
                QuantizedGraph.Op(name: "\(step.name).part\(part)", kind: .concat, inputs: joined, output: output))
            inputs.replaceSubrange(0..<4, with: [output])
            part += 1
        }
        return inputs
    }

    // MARK: Weights

    private func weights(of step: FusedStep, _ outputScale: Double) throws -> QuantizedWeights {
        try WeightQuantization.quantize(try layer(of: step, outputScale))
    }

    func layer(of step: FusedStep, _ outputScale: Double) throws -> WeightedLayer {
        let weight = step.op.weights.first ?? ""
        let bias = step.op.weights.dropFirst().first
        var groups = 1
        if case .convolution(_, _, _, let count) = step.op { groups = count }
        guard let values = graph.weights[weight], let place = places[step.inputs[0]] else {
            throw ConversionError.badNode(name: step.name, reason: "weight '\(weight)' is missing")
        }
        let shape = values.shape + [Int](repeating: 1, count: 4 - values.shape.count)
        let (outputs, inputs, height, width) = (shape[0], shape[1], shape[2], shape[3])
        let isPhoto = place == QuantizedGraph.input
        let metadata = calibrated.metadata
        let deviation = isPhoto ? metadata.standardDeviation.map(Double.init) : []

        // O I KH KW → O KH KW I, and per pixel step instead of per deviation where the photo comes in.
        var ordered = [Double](repeating: 0, count: values.values.count)
        for output in 0..<outputs {
            for input in 0..<inputs {
                for tap in 0..<(height * width) {
                    let value = Double(values.values[(output * inputs + input) * height * width + tap])
                    let channel = output / (outputs / groups) * inputs + input
                    ordered[(output * height * width + tap) * inputs + input] =
                        isPhoto ? value / deviation[channel] : value
                }
            }
        }
        let affine = tensors[place].affine
        let channels = tensors[place].channels
        var means = calibrated.edges[step.inputs[0]]?.channelMeans ?? []
        if means.isEmpty { means = [Double](repeating: 0, count: channels) }
        let input = WeightedInput(
            scale: Double(affine.scale),
            zeros: isPhoto
                ? metadata.mean.map(Double.init) : [Double](repeating: Double(affine.zeroPoint), count: channels),
            means: isPhoto ? zip(means, deviation).map { $0 * $1 } : means)
        return WeightedLayer(
            name: step.name, weights: ordered,
            bias: bias.flatMap { graph.weights[$0]?.values.map(Double.init) } ?? [Double](repeating: 0, count: outputs),
            shape: (outputs, height, width, inputs), input: input, groups: groups, outputScale: outputScale)
    }

    /// What stands outside the image: of the photo the mean pixel, else each channel's zero. Only dense convolutions of
    /// at most 4 channels name it, and only where something may stand outside.
    private func padPixel(_ step: FusedStep, _ window: Window, isDense: Bool) throws -> [UInt8] {
        let none: [UInt8] = [0, 0, 0, 0]
        guard let place = places[step.inputs[0]], tensors[place].channels <= 4, window != Window(kernel: 1) else {
            return none
        }
        let channels = tensors[place].channels
        guard place == QuantizedGraph.input else {
            return !isDense ? none : (0..<4).map { $0 < channels ? tensors[place].affine.zeroPoint : 0 }
        }
        let isPadded = window.padTop + window.padBottom + window.padLeft + window.padRight > 0
        guard isDense || !isPadded else {
            throw ConversionError.badNode(
                name: step.name,
                reason: "a depthwise or grouped convolution that pads the photo; only a dense one can pad with the mean pixel")
        }
        return try (0..<4).map { channel in
            guard channel < channels, isPadded else { return 0 }
            let mean = calibrated.metadata.mean[channel].rounded(.toNearestOrEven)
            guard (0...255).contains(mean) else {
                throw ConversionError.badPreprocessing(
                    "mean \(calibrated.metadata.mean[channel]) is no pixel value (0-255 scale), and '\(step.name)' pads with it"
                )
            }
            return UInt8(mean)
        }
    }
}

extension FusedStep.Clamp {
    func quantized(_ affine: AffineScale) -> ClosedRange<UInt8> {
        let low = low == -.infinity ? 0 : affine.quantize(Double(low))
        let high = high == .infinity ? 255 : affine.quantize(Double(high))
        return low...max(low, high)
    }
}
