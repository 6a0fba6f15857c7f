// Sampling: what a layer reads in the int8 network and what it gave in the float one, at places of the calibration
// photos chosen by a seeded hash. Photos are decoded once and kept; float targets of as many layers as fit are taken
// in one pass of the float network. Photos go in batches of a fixed size, results in order, so nothing depends on the
// number of threads. Left out: what is done with the samples.

import Foundation
import ModelGraph
import Tensors
import TinyRuntime

/// Where and how one op is sampled.
struct SamplingPlan: Sendable {
    /// Of the quantized graph.
    var op: Int
    /// Its sums before any clamp, in the float network.
    var edge: String
    /// nil: a linear layer.
    var window: Window?
    /// Weights an output channel.
    var kernel: Int
    /// Values a place: KH·KW·C.
    var width: Int
    var outputs: Int
    var outputHeight: Int
    var outputWidth: Int
    /// A photo.
    var places: Int
    /// What stands outside the image, by channel.
    var padding: [UInt8]

    /// Output pixels of photo `photo`, one in each of `places` equal stretches of the image, ascending.
    func pixels(photo: Int) -> [Int] {
        let count = outputHeight * outputWidth
        var random = SplitMix64(seed: UInt64(truncatingIfNeeded: op &* 1_000_003 &+ photo))
        return (0..<places).map { place in
            let first = place * count / places
            let end = (place + 1) * count / places
            return first + Int(random.next() % UInt64(max(end - first, 1)))
        }
    }
}

struct Sampling: Sendable {
    /// Of decoded photos kept.
    static let photoBytes = 256 << 20
    /// Of float targets held at a time.
    static let targetBytes = 160 << 20
    /// Of one layer's sampled inputs, as bytes and as floats.
    static let inputBytes = 128 << 20

    private let calibrated: CalibratedGraph
    private let interpreter: FloatInterpreter
    private let photos: [Photo]
    private let threads: Int

    var photoCount: Int { photos.count }

    init(
        _ calibrated: CalibratedGraph, on images: [LabelledImage], from source: PhotoSource, progress: (String) -> Void
    ) throws {
        self.calibrated = calibrated
        threads = source.threads
        interpreter = try FloatInterpreter(calibrated.fused.graph, backend: FastBackend(threads: 1, arithmetic: .reproducible))
        let input = calibrated.fused.graph.input
        let most = max(Self.photoBytes / (input.height * input.width * input.channels), 1)
        let used = LabelledImage.drawn(images, limit: most, seed: 0)
        // Unreadable ones were named by calibration.
        photos = try source.map(used, task: "reading", progress: { _ in }) { $0 }.results.flatMap { $0 }
        guard !photos.isEmpty else { throw ConversionError.noCalibrationImages(unreadable: images.count) }
        if used.count < images.count { progress("rounding: on \(used.count) of \(images.count) photos, for memory") }
    }

    // MARK: Plans

    /// Ops in order, in groups whose targets fit in memory together.
    func groups(of ops: [Int], in graph: QuantizedGraph) -> [[SamplingPlan]] {
        var groups: [[SamplingPlan]] = []
        var bytes = 0
        for plan in ops.compactMap({ plan(for: $0, in: graph) }) {
            let own = 4 * plan.outputs * plan.places * photos.count
            if groups.isEmpty || bytes + own > Self.targetBytes {
                groups.append([])
                bytes = 0
            }
            groups[groups.count - 1].append(plan)
            bytes += own
        }
        return groups
    }

    private func plan(for index: Int, in graph: QuantizedGraph) -> SamplingPlan? {
        let op = graph.ops[index]
        guard let weights = op.kind.weights,
            let node = calibrated.fused.graph.nodes.first(where: { $0.name == op.name })
        else { return nil }
        let input = graph.tensors[op.inputs[0]]
        let output = graph.tensors[op.output]
        var window: Window?
        var padding = [UInt8](repeating: input.affine.zeroPoint, count: input.channels)
        switch op.kind {
        case .convolution(_, let shape, let padPixel):
            window = shape
            if op.inputs[0] == QuantizedGraph.input { padding = Array(padPixel.prefix(input.channels)) }
        case .depthwise(_, let shape), .groupedConvolution(_, let shape, _):
            window = shape
        default: break
        }
        let kernel = weights.kernelHeight * weights.kernelWidth * weights.inputChannels
        // Enough for the form to be known, no more than memory has room for.
        let wanted = min(max(4 * kernel, 2048), 8192)
        let width = weights.kernelHeight * weights.kernelWidth * input.channels
        let most = max(Self.inputBytes / max(4 * kernel, width), 1)
        let count = output.height * output.width
        let places = min(max(min(wanted, most) / photos.count, 1), count)
        return SamplingPlan(
            op: index, edge: node.output, window: window, kernel: kernel, width: width, outputs: weights.outputChannels, outputHeight: output.height, outputWidth: output.width, places: places,
            padding: padding)
    }

    // MARK: Float

    /// Of each plan: samples × O, photos in order.
    func targets(of plans: [SamplingPlan], in graph: QuantizedGraph) throws -> [[Float]] {
        let byEdge = Dictionary(grouping: plans.indices, by: { plans[$0].edge })
        var targets = plans.map { plan -> [Float] in
            var values: [Float] = []
            values.reserveCapacity(plan.outputs * plan.places * photos.count)
            return values
        }
        try forEachBatch { [self] range -> [Int: [Float]] in
            var found: [Int: [Float]] = [:]
            do {
                _ = try interpreter.run(calibrated.metadata.tensor(of: Array(photos[range]))) { edge, tensor in
                    for index in byEdge[edge] ?? [] {
                        found[index] = Self.pick(plans[index], tensor, photos: range)
                    }
                    if found.count == plans.count { throw Enough() }
                }
            } catch is Enough {}
            return found
        } then: { found in
            for index in plans.indices { targets[index] += found[index] ?? [] }
        }
        return targets
    }

    /// Ends a float run when the last layer that is asked for has been seen.
    private struct Enough: Error {}

    private static func pick(_ plan: SamplingPlan, _ tensor: Tensor, photos: Range<Int>) -> [Float] {
        let size = tensor.count / photos.count
        return tensor.withValues { values in
            var picked: [Float] = []
            picked.reserveCapacity(photos.count * plan.places * plan.outputs)
            for (index, photo) in photos.enumerated() {
                for pixel in plan.pixels(photo: photo) {
                    let start = index * size + pixel * plan.outputs
                    picked.append(contentsOf: values[start..<(start + plan.outputs)])
                }
            }
            return picked
        }
    }

    // MARK: Int8

    /// samples × width bytes: what the op reads in `graph`, run with the real kernels, photos in order.
    func inputs(of plan: SamplingPlan, in graph: QuantizedGraph) throws -> [UInt8] {
        let tensor = graph.ops[plan.op].inputs[0]
        var model: Model?
        let producer = graph.ops.firstIndex { $0.output == tensor }
        if let producer { model = try Self.model(of: graph, upTo: producer, metadata: calibrated.metadata) }
        let shape = graph.tensors[tensor]
        var result: [UInt8] = []
        result.reserveCapacity(photos.count * plan.places * plan.width)
        let finished = model
        try forEachBatch { [self] range -> [UInt8] in
            var picked: [UInt8] = []
            picked.reserveCapacity(range.count * plan.places * plan.width)
            guard let finished, let producer else {
                for photo in range {
                    photos[photo].pixels.withUnsafeBufferPointer {
                        plan.patches($0, shape, photo: photo, into: &picked)
                    }
                }
                return picked
            }
            let session = try SelfTest.session(finished)
            for photo in range {
                _ = session.input.update(fromContentsOf: photos[photo].pixels)
                session.run { step, bytes in
                    if session.steps[step].last == producer { plan.patches(bytes, shape, photo: photo, into: &picked) }
                }
            }
            return picked
        } then: {
            result += $0
        }
        return result
    }

    /// The network's first ops. A model's answer must be one row, so a global max pool ends it where it is not.
    private static func model(of graph: QuantizedGraph, upTo last: Int, metadata: ModelMetadata) throws -> Model {
        let output = graph.ops[last].output
        var part = QuantizedGraph(
            tensors: Array(graph.tensors[0...output]), ops: Array(graph.ops[0...last]), output: output)
        let tensor = graph.tensors[output]
        if tensor.height * tensor.width > 1 {
            part.output = part.tensors.count
            part.tensors.append(
                .init(name: "", height: 1, width: 1, channels: tensor.channels, affine: tensor.affine))
            part.ops.append(.init(name: "", kind: .globalMaxPool, inputs: [output], output: part.output))
        }
        var metadata = metadata
        metadata.labels = []
        let bytes = try ModelWriter.draft(try MemoryPlanner.plan(BlockFusion.fuse(part)), metadata: metadata)
        do {
            return try bytes.withUnsafeBytes { raw throws(ModelError) in try Model(copying: raw) }
        } catch {
            throw ConversionError.refusedByRuntime("\(error)")
        }
    }

    // MARK: Batches

    /// Calls `body` for each batch of photos, on several threads, and `then` with the results, in order.
    private func forEachBatch<Result: Sendable>(
        _ body: @escaping @Sendable (Range<Int>) throws -> Result, then: (Result) -> Void
    ) throws {
        let size = PhotoSource.batchSize
        let count = (photos.count + size - 1) / size
        // In rounds: results of one are taken up before the next is made.
        for first in stride(from: 0, to: count, by: 2 * threads) {
            let results = Parallel.map(count: min(2 * threads, count - first), threads: threads) {
                [photos] index -> Swift.Result<Result, any Error> in
                let start = (first + index) * size
                return Swift.Result { try body(start..<min(start + size, photos.count)) }
            }
            for result in results { then(try result.get()) }
        }
    }
}

extension SamplingPlan {
    /// Appends what the op reads for each sampled pixel of a photo: KH KW C, padding in it.
    func patches(
        _ image: UnsafeBufferPointer<UInt8>, _ shape: QuantizedGraph.Tensor, photo: Int, into result: inout [UInt8]
    ) {
        guard let window else {
            result.append(contentsOf: image)
            return
        }
        let channels = shape.channels
        for pixel in pixels(photo: photo) {
            let top = pixel / outputWidth * window.strideHeight - window.padTop
            let left = pixel % outputWidth * window.strideWidth - window.padLeft
            for y in top..<(top + window.kernelHeight) {
                for x in left..<(left + window.kernelWidth) {
                    if y >= 0 && y < shape.height && x >= 0 && x < shape.width {
                        let start = (y * shape.width + x) * channels
                        result.append(contentsOf: image[start..<(start + channels)])
                    } else {
                        result.append(contentsOf: padding)
                    }
                }
            }
        }
    }
}
