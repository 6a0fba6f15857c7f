// Parity: the float network and the finished file on the same pixels, side by side. The float answers are the original
// graph's, batch norm and all; the layer by layer comparison runs the folded graph, whose edges are the device's
// tensors.

import Foundation
import ModelGraph
import Tensors
import TinyRuntime

struct Parity: Sendable {
    struct Answer: Sendable {
        var path: String
        var label: Int?
        var float: [Float]
        var int8: [Float]
    }

    /// Sums over photos of one layer's values.
    struct LayerError: Sendable {
        var signal = 0.0
        var noise = 0.0
        /// The noise that the output's 256 steps alone would make: float's values rounded to the nearest step, apart
        /// for values beyond the range and inside. What is left of `noise` came from inputs and weights.
        var clipping = 0.0
        var rounding = 0.0
        var values = 0
        /// Float values beyond what the 256 steps can hold, by more than half a step.
        var saturated = 0

        mutating func merge(_ other: LayerError) {
            signal += other.signal
            noise += other.noise
            clipping += other.clipping
            rounding += other.rounding
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
            let names = Set(quantized.tensors.map(\.name))
            let session = try SelfTest.session(model, fused: folded == nil)
            for (index, photo) in photos.enumerated() {
                // One photo at a time: all edges of a batch would be hundreds of megabytes.
                var edges: [String: Tensor] = [:]
                if let folded {
                    _ = folded.run(metadata.tensor(of: [photo])) { if names.contains($0) { edges[$0] = $1 } }
                }
                _ = session.input.update(fromContentsOf: photo.pixels)
                if folded == nil {
                    session.run()
                } else {
                    session.run { op, bytes in
                        let tensor = quantized.ops[op].output
                        guard let edge = edges[quantized.tensors[tensor].name] else { return }
                        layers[tensor, default: LayerError()].add(edge, bytes, quantized.tensors[tensor].affine)
                    }
                }
                answers.append(
                    Answer(
                        path: photo.image.path, label: photo.image.label,
                        float: Array(float[(index * classes)..<((index + 1) * classes)]),
                        int8: (0..<classes).map { session.logit($0) }))
            }
        }
    }
}

extension Parity.LayerError {
    /// Signal and noise only: of logits.
    mutating func add(float: [Float], int8: [Float]) {
        for (float, int8) in zip(float, int8) {
            signal += Double(float) * Double(float)
            noise += (Double(float) - Double(int8)) * (Double(float) - Double(int8))
        }
    }

    /// - Parameter edge: of one photo.
    fileprivate mutating func add(_ edge: Tensor, _ bytes: UnsafeBufferPointer<UInt8>, _ affine: AffineScale) {
        let reals = (0...255).map { affine.dequantize(UInt8($0)) }
        let (scale, zero) = (Double(affine.scale), Double(affine.zeroPoint))
        let low = reals[0] - 0.5 * scale
        let high = reals[255] + 0.5 * scale
        edge.withValues { values in
            guard values.count == bytes.count else { return }
            for index in values.indices {
                let value = Double(values[index])
                let error = value - reals[Int(bytes[index])]
                signal += value * value
                noise += error * error
                if value < low || value > high {
                    let beyond = value - (value < low ? reals[0] : reals[255])
                    clipping += beyond * beyond
                    saturated += 1
                } else {
                    let steps = value / scale + zero
                    let rounded = (steps - steps.rounded(.toNearestOrEven)) * scale
                    rounding += rounded * rounded
                }
            }
            self.values += values.count
        }
    }
}

extension Array where Element == Float {
    /// The first of the largest; nil if empty.
    var answer: Int? { indices.max { (self[$0], $1) < (self[$1], $0) } }

    /// The largest, at most `count`, the largest first; of equal ones the first first.
    func best(_ count: Int) -> [Int] {
        var best: [Int] = []
        for index in indices {
            if best.count == count, let last = best.last, self[last] >= self[index] { continue }
            best.insert(index, at: best.firstIndex { self[$0] < self[index] } ?? best.endIndex)
            if best.count > count { best.removeLast() }
        }
        return best
    }
}
