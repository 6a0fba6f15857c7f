// ConversionReport: what the conversion cost in accuracy and what it gave in size, as figures, as text for people and
// as one JSON object. Left out: charts and pages, which another tool may make of the JSON.

import Foundation
import ModelGraph
import TinyRuntime

package struct ConversionReport: Sendable, Equatable, Codable {
    package struct Layer: Sendable, Equatable, Codable {
        package var name: String
        package var op: String
        /// Signal to quantization noise of the layer's output, noise of earlier layers included; nil: no noise or no
        /// signal.
        package var sqnrDb: Double?
        /// Values of the float network that calibration saw.
        package var minimum: Double
        package var maximum: Double
        /// What the 256 steps cover.
        package var low: Double
        package var high: Double
        /// Share of float values that lie outside.
        package var saturatedShare: Double
        /// Only tables (sigmoid, ELU) read it: its range was chosen for their results, and what saturates is where they
        /// are flat. The figure to look at is the table's.
        package var isReadByTablesOnly: Bool
        package var weightBytes: Int
        package var outputBytes: Int
    }

    package var calibrationImages: Int
    package var calibrationSkipped: Int
    /// Compared.
    package var images: Int
    package var skipped: Int
    package var labelledImages: Int
    /// Shares of the labelled images; nil without labels.
    package var floatTop1: Double?
    package var int8Top1: Double?
    package var equalAnswers: Int
    /// Share of the images on which int8's best class is float's.
    package var agreement: Double
    /// Signal to noise of the logits over all images.
    package var logitsSqnrDb: Double?
    package var floatBytes: Int
    package var fileBytes: Int
    package var weightBytes: Int
    package var arenaBytes: Int
    /// No plan could be smaller.
    package var arenaLowerBoundBytes: Int
    /// In order of execution.
    package var layers: [Layer]

    init(
        float: FloatGraph, calibrated: CalibratedGraph, planned: PlannedGraph, bytes: Data, images: [LabelledImage],
        from photos: PhotoSource, progress: (String) -> Void
    ) throws {
        let quantized = planned.graph
        let model: Model
        do {
            model = try bytes.withUnsafeBytes { raw throws(ModelError) in try Model(copying: raw) }
        } catch {
            throw ConversionError.refusedByRuntime("\(error)")
        }
        let parity = try Parity(
            float: float, fused: calibrated.fused, quantized: quantized, model: model, images: images, from: photos,
            progress: progress)
        guard !parity.answers.isEmpty else {
            throw ConversionError.noEvaluationImages(unreadable: parity.skipped.count)
        }

        calibrationImages = calibrated.images
        calibrationSkipped = calibrated.skipped
        self.images = parity.answers.count
        skipped = parity.skipped.count
        let labelled = parity.answers.filter { $0.label != nil }
        labelledImages = labelled.count
        if !labelled.isEmpty {
            floatTop1 = Double(labelled.count { $0.float.answer == $0.label }) / Double(labelled.count)
            int8Top1 = Double(labelled.count { $0.int8.answer == $0.label }) / Double(labelled.count)
        }
        equalAnswers = parity.answers.count { $0.float.answer == $0.int8.answer }
        agreement = Double(equalAnswers) / Double(parity.answers.count)
        var logits = Parity.LayerError()
        for answer in parity.answers {
            for (float, int8) in zip(answer.float, answer.int8) {
                logits.signal += Double(float) * Double(float)
                logits.noise += Double(float - int8) * Double(float - int8)
            }
        }
        logitsSqnrDb = logits.sqnrDb
        floatBytes = 4 * float.weights.values.reduce(0) { $0 + $1.values.count }
        fileBytes = bytes.count
        arenaBytes = planned.arenaBytes
        arenaLowerBoundBytes = MemoryPlanner.lowerBound(quantized)
        layers = quantized.ops.map { op in
            let readers = quantized.ops.filter { $0.inputs.contains(op.output) }
            return Layer(
                op, quantized.tensors[op.output], calibrated, error: parity.layers[op.output],
                isReadByTablesOnly: !readers.isEmpty && readers.allSatisfy(\.kind.isTable)
                    && op.output != quantized.output)
        }
        weightBytes = layers.reduce(0) { $0 + $1.weightBytes }
    }

    /// One JSON object, keys sorted, names in snake_case.
    package func json(pretty: Bool = false) throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting =
            pretty ? [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }
}

extension ConversionReport.Layer {
    fileprivate init(
        _ op: QuantizedGraph.Op, _ tensor: QuantizedGraph.Tensor, _ calibrated: CalibratedGraph,
        error: Parity.LayerError?,
        isReadByTablesOnly: Bool
    ) {
        let histogram = calibrated.edges[tensor.name]?.histogram
        name = op.name
        self.op = op.kind.name
        sqnrDb = error?.sqnrDb
        low = tensor.affine.dequantize(0)
        high = tensor.affine.dequantize(255)
        minimum = histogram.map { Double($0.minimum) } ?? low
        maximum = histogram.map { Double($0.maximum) } ?? high
        saturatedShare = error.map { Double($0.saturated) / Double(max($0.values, 1)) } ?? 0
        self.isReadByTablesOnly = isReadByTablesOnly
        weightBytes = op.kind.weights?.values.count ?? 0
        outputBytes = tensor.bytes
    }
}

extension Parity.LayerError {
    var sqnrDb: Double? { signal > 0 && noise > 0 ? 10 * log10(signal / noise) : nil }
}

extension QuantizedGraph.Kind {
    var weights: QuantizedWeights? {
        switch self {
        case .convolution(let weights, _, _), .depthwise(let weights, _), .groupedConvolution(let weights, _, _),
            .fullyConnected(let weights):
            weights
        default: nil
        }
    }

    var isTable: Bool {
        if case .table = self { return true }
        return false
    }

    /// As the file's op codes are called.
    var name: String { "\(code)" }
}
