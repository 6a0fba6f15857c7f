// Parity: the float network and the finished file on the same pixels, side by side. The float answers are the original
// graph's, batch norm and all; the layer by layer comparison runs the folded graph, whose edges are the device's
// tensors.

import Foundation
import ModelGraph
import Tensors
import TinyRuntime

struct Parity: Sendable {
    struct Answer: Sendable {
        var label: Int?
        var float: [Float]
        var int8: [Float]
    }

    /// Sums over photos of one layer's values.
    struct LayerError: Sendable {
        var signal = 0.0
        var noise = 0.0
        var values = 0
        /// Float values beyond what the 256 steps can hold, by more than half a step.
        var saturated = 0

        mutating func merge(_ other: LayerError) {
            signal += other.signal
            noise += other.noise
            values += other.values
            saturated += other.saturated
        }
    }

    var answers: [Answer] = []
    /// By tensor; nil where the float graph has no such edge.
    var layers: [LayerError?] = []
    var skipped: [(path: String, reason: String)] = []

    /// Photos that are compared layer by layer; all are compared by answer.
    static let layerImages = 64

    /// - Throws: `ConversionError`.
    init(
        float: FloatGraph, fused: FusedGraph, quantized: QuantizedGraph, model: Model, images: [LabelledImage],
        from photos: PhotoSource, progress: (String) -> Void
    ) throws {
        let backend = FastBackend(threads: 1)
        let original = try FloatInterpreter(float, backend: backend)
        let folded = try FloatInterpreter(fused.graph, backend: backend)
        let metadata = photos.metadata
        layers = quantized.tensors.map { fused.shapes[$0.name] == nil ? nil : LayerError() }
        layers[QuantizedGraph.input] = nil
        for start in [0, Self.layerImages] where start < images.count {
            let part = start == 0 ? images.prefix(Self.layerImages) : images.dropFirst(start)
            let (batches, failures) = try photos.map(
                Array(part), task: "comparing", finished: (start, images.count), progress: progress
            ) { photos in
                try Batch(
                    photos, metadata: metadata, original: original, folded: start == 0 ? folded : nil,
                    quantized: quantized,
                    model: model)
            }
            for batch in batches {
                answers += batch.answers
                for (tensor, error) in batch.layers { layers[tensor]?.merge(error) }
            }
            skipped += failures
        }
    }

    private struct Batch: Sendable {
        var answers: [Answer] = []
        var layers: [Int: LayerError] = [:]

        init(
            _ photos: [Photo], metadata: ModelMetadata, original: FloatInterpreter, folded: FloatInterpreter?,
            quantized: QuantizedGraph, model: Model
        ) throws {
            let input = metadata.tensor(of: photos)
            let float = original.run(input).array()
            let classes = float.count / photos.count
            var edges: [String: Tensor] = [:]
            if let folded { _ = folded.run(input) { edges[$0] = $1 } }
            let session: Session
            do {
                session = try Session(model: model)
            } catch {
                throw ConversionError.refusedByRuntime("\(error)")
            }
            for (index, photo) in photos.enumerated() {
                for (place, byte) in photo.pixels.enumerated() { session.input[place] = byte }
                if folded == nil {
                    session.run()
                } else {
                    session.run { op, bytes in
                        let tensor = quantized.ops[op].output
                        guard let edge = edges[quantized.tensors[tensor].name] else { return }
                        layers[tensor, default: LayerError()].add(
                            edge, photo: index, of: photos.count, bytes, quantized.tensors[tensor].affine)
                    }
                }
                answers.append(
                    Answer(
                        label: photo.image.label, float: Array(float[(index * classes)..<((index + 1) * classes)]),
                        int8: (0..<classes).map { session.logit($0) }))
            }
        }
    }
}

extension Parity.LayerError {
    fileprivate mutating func add(
        _ edge: Tensor, photo: Int, of count: Int, _ bytes: UnsafeBufferPointer<UInt8>, _ affine: AffineScale
    ) {
        let reals = (0...255).map { affine.dequantize(UInt8($0)) }
        let low = reals[0] - 0.5 * Double(affine.scale)
        let high = reals[255] + 0.5 * Double(affine.scale)
        edge.withValues { values in
            let size = values.count / count
            guard size == bytes.count else { return }
            for index in 0..<size {
                let value = Double(values[photo * size + index])
                let error = value - reals[Int(bytes[index])]
                signal += value * value
                noise += error * error
                if value < low || value > high { saturated += 1 }
            }
            self.values += size
        }
    }
}

extension Array where Element == Float {
    /// The first of the largest; nil if empty.
    var answer: Int? { indices.max { (self[$0], $1) < (self[$1], $0) } }
}
