// Calibration: runs the float network on photos and notes how every edge's values are distributed. Photos go in batches
// of a fixed size to single-threaded interpreters side by side, and what is noted does not depend on order; the
// arithmetic is the reproducible one. So the result is the same for any number of threads and on every machine. Left
// out: choosing ranges (RangeSelection), which needs no photos.

import ModelGraph
import Tensors

/// What calibration knows of one edge.
package struct EdgeStatistics: Sendable, Equatable {
    package var histogram = EdgeHistogram()
    /// Sum of each channel over all photos and pixels, and how many values each sum has; only of edges that weights are
    /// applied to.
    package var channelSums: [Double] = []
    package var valuesPerChannel = 0

    package init() {}

    package var channelMeans: [Double] { channelSums.map { $0 / Double(max(valuesPerChannel, 1)) } }

    mutating func add(_ values: UnsafeBufferPointer<Float>, channels: Int, withMeans: Bool) {
        histogram.add(values)
        guard withMeans else { return }
        if channelSums.isEmpty { channelSums = [Double](repeating: 0, count: channels) }
        channelSums.withUnsafeMutableBufferPointer { sums in
            var index = 0
            while index < values.count {
                for channel in 0..<channels { sums[channel] += Double(values[index + channel]) }
                index += channels
            }
        }
        valuesPerChannel += values.count / channels
    }

    mutating func merge(_ other: EdgeStatistics) {
        histogram.merge(other.histogram)
        if channelSums.isEmpty { channelSums = [Double](repeating: 0, count: other.channelSums.count) }
        for index in other.channelSums.indices { channelSums[index] += other.channelSums[index] }
        valuesPerChannel += other.valuesPerChannel
    }
}

package struct CalibratedGraph: Sendable {
    package let fused: FusedGraph
    package let metadata: ModelMetadata
    package let edges: [String: EdgeStatistics]
    /// Float logits of each photo.
    package let logits: [[Float]]
    package let images: Int
    package let skipped: [(path: String, reason: String)]

    /// Only by `Calibration`.
    fileprivate init(
        fused: FusedGraph, metadata: ModelMetadata, edges: [String: EdgeStatistics], logits: [[Float]],
        skipped: [(path: String, reason: String)]
    ) {
        self.fused = fused
        self.metadata = metadata
        self.edges = edges
        self.logits = logits
        images = logits.count
        self.skipped = skipped
    }
}

package enum Calibration {
    /// - Throws: `ConversionError.noCalibrationImages`, `.notFinite`, and `.unreadableImage` where `photos` are strict.
    /// - Cost: one float inference a photo, and about 2 ns for each value of each edge.
    package static func calibrate(
        _ fused: FusedGraph, on images: [LabelledImage], from photos: PhotoSource, progress: (String) -> Void
    ) throws -> CalibratedGraph {
        let interpreter = try FloatInterpreter(fused.graph, backend: FastBackend(threads: 1, arithmetic: .reproducible))
        let metadata = photos.metadata
        let edges = Set(fused.steps.map(\.output))
        let withMeans = Set(fused.steps.filter(\.op.hasWeights).flatMap(\.inputs))
        let (batches, skipped) = try photos.map(images, task: "calibrating", progress: progress) { photos in
            Batch(interpreter, photos, metadata: metadata, edges: edges, withMeans: withMeans)
        }
        var statistics: [String: EdgeStatistics] = [:]
        for batch in batches {
            for (edge, noted) in batch.edges { statistics[edge, default: EdgeStatistics()].merge(noted) }
        }
        let logits = batches.flatMap(\.logits)
        guard !logits.isEmpty else {
            throw ConversionError.noCalibrationImages(unreadable: skipped.count)
        }
        if let edge = fused.steps.first(where: { statistics[$0.output]?.histogram.hasNonFinite ?? true })?.output {
            throw ConversionError.notFinite(edge: edge)
        }
        return CalibratedGraph(
            fused: fused, metadata: metadata, edges: statistics, logits: logits, skipped: skipped)
    }

    /// Least and largest value of each channel of `edges`.
    /// - Throws: as `calibrate`.
    package static func channelRanges(
        of edges: Set<String>, _ fused: FusedGraph, on images: [LabelledImage], from photos: PhotoSource,
        progress: (String) -> Void
    ) throws -> [String: ChannelRanges] {
        let interpreter = try FloatInterpreter(fused.graph, backend: FastBackend(threads: 1, arithmetic: .reproducible))
        let metadata = photos.metadata
        let (batches, skipped) = try photos.map(images, task: "measuring channels", progress: progress) { photos in
            var ranges: [String: ChannelRanges] = [:]
            _ = interpreter.run(metadata.tensor(of: photos)) { edge, tensor in
                if edges.contains(edge) { ranges[edge] = ChannelRanges(tensor) }
            }
            return ranges
        }
        guard var ranges = batches.first else { throw ConversionError.noCalibrationImages(unreadable: skipped.count) }
        for batch in batches.dropFirst() {
            for (edge, range) in batch { ranges[edge]?.merge(range) }
        }
        return ranges
    }

    private struct Batch: Sendable {
        var edges: [String: EdgeStatistics] = [:]
        var logits: [[Float]] = []

        init(
            _ interpreter: FloatInterpreter, _ photos: [Photo], metadata: ModelMetadata, edges wanted: Set<String>,
            withMeans: Set<String>
        ) {
            let input = metadata.tensor(of: photos)
            let name = interpreter.graph.input.name
            if withMeans.contains(name) { note(name, input, withMeans: true) }
            let output = interpreter.run(input) { edge, tensor in
                if wanted.contains(edge) { note(edge, tensor, withMeans: withMeans.contains(edge)) }
            }
            let values = output.array()
            let classes = values.count / photos.count
            logits = photos.indices.map { Array(values[($0 * classes)..<(($0 + 1) * classes)]) }
        }

        private mutating func note(_ edge: String, _ tensor: Tensor, withMeans: Bool) {
            let channels = tensor.shape.last ?? 1
            tensor.withValues {
                edges[edge, default: EdgeStatistics()].add($0, channels: channels, withMeans: withMeans)
            }
        }
    }
}

extension GraphOp {
    var hasWeights: Bool {
        switch self {
        case .convolution, .linear: true
        default: false
        }
    }
}

extension ChannelRanges {
    /// Of a tensor … C.
    fileprivate init(_ tensor: Tensor) {
        let channels = max(tensor.shape.last ?? 1, 1)
        var minimum = [Float](repeating: .infinity, count: channels)
        var maximum = [Float](repeating: -.infinity, count: channels)
        tensor.withValues { values in
            minimum.withUnsafeMutableBufferPointer { minimum in
                maximum.withUnsafeMutableBufferPointer { maximum in
                    for start in stride(from: 0, to: values.count, by: channels) {
                        for channel in 0..<channels {
                            let value = values[start + channel]
                            minimum[channel] = value < minimum[channel] ? value : minimum[channel]
                            maximum[channel] = value > maximum[channel] ? value : maximum[channel]
                        }
                    }
                }
            }
        }
        self.init(minimum: minimum, maximum: maximum)
    }

    fileprivate mutating func merge(_ other: ChannelRanges) {
        for index in minimum.indices {
            minimum[index] = min(minimum[index], other.minimum[index])
            maximum[index] = max(maximum[index], other.maximum[index])
        }
    }
}

extension Tensor {
    /// The values where they lie, or a copy of them where they lie elsewhere.
    func withValues<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        if let host = storage as? HostStorage {
            return try body(UnsafeBufferPointer(start: host.pointer, count: host.count))
        }
        return try array().withUnsafeBufferPointer(body)
    }
}

extension ModelMetadata {
    /// Photos as the float network sees them: N H W C, (pixel − mean) / deviation.
    func tensor(of photos: [Photo]) -> Tensor {
        let shape = [photos.count, preprocessing.cropHeight, preprocessing.cropWidth, 3]
        let storage = HostStorage(count: shape.reduce(1, *))
        var position = 0
        for photo in photos {
            for (index, byte) in photo.pixels.enumerated() {
                storage.pointer[position + index] = (Float(byte) - mean[index % 3]) / standardDeviation[index % 3]
            }
            position += photo.pixels.count
        }
        return Tensor(shape: shape, storage: storage)
    }
}
