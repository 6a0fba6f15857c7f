// ConversionPipeline: a float network and a folder of photos in, a `.tiny` file and its parity report out: the whole
// conversion on one screen. Each stage takes the type that the stage before it gives, so a skipped stage does not
// compile. Left out: reading the ONNX file and publishing the result, which are the command's.

import Foundation
import ModelGraph
import TinyRuntime

package struct ConversionOptions: Sendable {
    /// Said over, or instead of, what the graph's metadata says about labels and photos.
    package var metadata: MetadataOptions
    package var ranges: RangeMethod
    package var rounding: Rounding
    /// Channels of a layer are brought to like sizes first: see Equalization.
    package var equalization: Bool
    /// Seconds for trying other `ranges` and `equalization`, of which the best is taken: see Tuning. nil: none is tried.
    package var tune: Double?
    /// At most so many calibration photos are used, drawn with `seed`; nil: all.
    package var imageLimit: Int?
    package var seed: UInt64
    package var threads: Int
    /// An unreadable photo fails the conversion; otherwise it is named, skipped and counted.
    package var strict: Bool

    package init(
        metadata: MetadataOptions = MetadataOptions(), ranges: RangeMethod = .meanSquaredError,
        rounding: Rounding = .nearest, equalization: Bool = false, tune: Double? = nil, imageLimit: Int? = 256,
        seed: UInt64 = 0,
        threads: Int = ProcessInfo.processInfo.activeProcessorCount, strict: Bool = false
    ) {
        self.metadata = metadata
        self.ranges = ranges
        self.rounding = rounding
        self.equalization = equalization
        self.tune = tune
        self.imageLimit = imageLimit
        self.seed = seed
        self.threads = threads
        self.strict = strict
    }
}

package struct Conversion: Sendable {
    /// The finished file: accepted by the runtime, its self-test passed.
    package var bytes: Data
    package var report: ConversionReport

    /// The finished file at its place, whole or not at all.
    /// - Parameter minimumAgreement: below this share of equal answers nothing is written.
    /// - Throws: `ConversionError.agreementTooLow`, `FileError.notWritten`; an earlier file is then as it was.
    package func publish(to path: String, minimumAgreement: Double) throws {
        guard report.agreement >= minimumAgreement else {
            throw ConversionError.agreementTooLow(
                equal: report.equalAnswers, images: report.images, minimum: minimumAgreement)
        }
        try FileContents.write(bytes, to: path)
    }
}

package enum ConversionPipeline {
    /// - Parameters:
    ///   - calibration: photos whose activations set the ranges; labels are not used.
    ///   - evaluation: photos to compare float and int8 on; empty: the calibration photos.
    ///   - confidence: labelled photos to fit temperature and rejection threshold on; nil: they stay 1 and 0.
    /// - Throws: `ConversionError`, `GraphError`, `MetadataError`; nothing was written.
    /// - Cost: two float inferences and one int8 inference a photo.
    package static func convert(
        _ graph: FloatGraph, calibration: [LabelledImage], evaluation: [LabelledImage],
        confidence: ConfidencePhotos? = nil, options: ConversionOptions,
        progress: (String) -> Void
    ) throws -> Conversion {
        try confidence?.check()
        let (graph, metadata) = try InputNormalization.folded(graph, options.metadata.resolved(for: graph))
        let photos = PhotoSource(metadata: metadata, threads: options.threads, strict: options.strict)
        let chosen = LabelledImage.drawn(calibration, limit: options.imageLimit, seed: options.seed)

        let folded = try FoldedGraph(folding: graph)
        let fused = try OperatorFusion.fuse(folded)
        var ways = TuningOptions(ranges: options.ranges, equalization: options.equalization)
        var tuning: TuningRecord?
        if let seconds = options.tune {
            let end = ContinuousClock.now + .seconds(seconds)
            (ways, tuning) = try Tuning.choose(
                fused, on: chosen, from: photos, first: ways, isInTime: { ContinuousClock.now + $0 <= end },
                progress: progress)
        }
        let calibrated = try calibrate(
            fused, on: chosen, from: photos, equalization: ways.equalization, progress: progress)
        let nearest = try Quantization.quantizeKeepingLayers(calibrated, ranges: ways.ranges)
        let quantized =
            options.rounding == .nearest
            ? nearest.graph
            : try AdaptiveRounding.round(
                nearest.graph, layer: nearest.layer, calibrated: calibrated, on: chosen, from: photos,
                progress: progress)
        let planned = try MemoryPlanner.plan(BlockFusion.fuse(quantized))
        var bytes = try ModelWriter.write(planned, metadata: metadata)

        // The fit needs the finished model, and changes two numbers in its header.
        let fit = try confidence.map { wanted in
            try ConfidenceFitting.fit(SelfTest.model(bytes), on: wanted, from: photos, progress: progress)
        }
        if let fit {
            bytes = try ModelWriter.write(
                planned, metadata: metadata, temperature: fit.temperature, rejectionThreshold: fit.rejectionThreshold)
        }

        var report = try ConversionReport(
            float: graph, calibrated: calibrated, planned: planned, bytes: bytes, calibration: chosen,
            images: evaluation.isEmpty ? chosen : evaluation, confidence: fit, from: photos, progress: progress)
        report.rounding = options.rounding
        report.tuning = tuning
        return Conversion(bytes: bytes, report: report)
    }

    static func calibrate(
        _ fused: FusedGraph, on images: [LabelledImage], from photos: PhotoSource, equalization: Bool,
        progress: (String) -> Void
    ) throws -> CalibratedGraph {
        let ready = equalization ? try Equalization.equalize(fused, on: images, from: photos, progress: progress) : fused
        return try Calibration.calibrate(ready, on: images, from: photos, progress: progress)
    }
}
