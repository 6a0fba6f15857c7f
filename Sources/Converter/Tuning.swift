// Tuning: tries the ways of converting on photos that the calibration does not see and keeps the best, `--tune`. Every
// fifth of the chosen photos is held out; each way is calibrated on the others, and the finished file is compared on
// those held out. What counts is the number of equal answers, then the logits' SQNR, then the order of trying. The
// conversion itself then uses all photos. Left out: rounding of weights, which would take minutes a try.
//
// The default is tried whatever the time; the others as long as the seconds last. So the clock can decide what is tried,
// and with it the file: the record says what was tried and what was not. With time for all, the result repeats.

import Foundation
import ModelGraph
import TinyRuntime

/// What `--tune` did.
package struct TuningRecord: Sendable, Equatable, Codable {
    package struct Trial: Sendable, Equatable, Codable {
        /// As the command's options say it: "--ranges mse --no-equalize".
        package var options: String
        /// Of the photos held out.
        package var equalAnswers: Int
        package var logitsSqnrDb: Double?

        package init(options: String, equalAnswers: Int, logitsSqnrDb: Double?) {
            self.options = options
            self.equalAnswers = equalAnswers
            self.logitsSqnrDb = logitsSqnrDb
        }
    }

    package var heldOutImages: Int
    /// In the order of trying.
    package var tried: [Trial]
    /// Of `tried`.
    package var chosen: Int
    /// Options for which the time did not last.
    package var untried: [String]

    /// For people, one line a try.
    package var lines: [String] {
        ["tuned on      \(heldOutImages) photos held out of the calibration; * is taken"]
            + tried.enumerated().map { index, trial in
                let sqnr = trial.logitsSqnrDb.map { String(format: "%.1f dB", $0) } ?? "no noise"
                return "  \(index == chosen ? "*" : " ") \(trial.equalAnswers) of \(heldOutImages) equal, \(sqnr)  \(trial.options)"
            } + untried.map { "    not tried, the time was over  \($0)" }
    }
}

package struct TuningOptions: Sendable, Equatable {
    package var ranges: RangeMethod
    package var equalization: Bool

    package init(ranges: RangeMethod, equalization: Bool) {
        self.ranges = ranges
        self.equalization = equalization
    }

    package var said: String { "--ranges \(ranges) \(equalization ? "--equalize" : "--no-equalize")" }

    /// All that are tried, `first` first.
    package static func all(first: TuningOptions) -> [TuningOptions] {
        let others = [first.equalization, !first.equalization].flatMap { equalization in
            RangeMethod.offered.map { TuningOptions(ranges: $0, equalization: equalization) }
        }
        return [first] + others.filter { $0 != first }
    }
}

package enum Tuning {
    /// One photo in so many is held out; where there are fewer photos than that, all are compared on.
    package static let heldOutOf = 5

    package static func split(_ images: [LabelledImage]) -> (calibration: [LabelledImage], heldOut: [LabelledImage]) {
        guard images.count >= heldOutOf else { return (images, images) }
        let isHeldOut = { (index: Int) in index % heldOutOf == heldOutOf - 1 }
        return (
            images.indices.filter { !isHeldOut($0) }.map { images[$0] }, images.indices.filter(isHeldOut).map { images[$0] }
        )
    }

    /// - Parameter isInTime: asked before each try but the first, with the longest time that one took so far.
    /// - Throws: as the conversion.
    /// - Cost: a float inference a photo and choice of `equalization`, an int8 inference a held-out photo and try.
    static func choose(
        _ fused: FusedGraph, on images: [LabelledImage], from photos: PhotoSource, first: TuningOptions,
        isInTime: (_ longest: Duration) -> Bool, progress: (String) -> Void
    ) throws -> (options: TuningOptions, record: TuningRecord) {
        let (calibration, heldOut) = split(images)
        // Each unreadable photo is named by the conversion itself.
        func quietly(_ line: String) { if !line.hasPrefix("skipped ") { progress(line) } }
        let float = try Calibration.calibrate(fused, on: heldOut, from: photos, progress: quietly).logits
        let pixels = try photos.map(heldOut, task: "reading", progress: { _ in }) { $0.map(\.pixels) }.results.flatMap { $0 }
        let all = TuningOptions.all(first: first)
        var calibrated: [Bool: CalibratedGraph] = [:]
        var record = TuningRecord(heldOutImages: float.count, tried: [], chosen: 0, untried: [])
        var longest = Duration.zero
        for options in all {
            guard record.tried.isEmpty || isInTime(longest) else {
                record.untried = all[record.tried.count...].map(\.said)
                break
            }
            let started = ContinuousClock.now
            let graph = try calibrated[options.equalization] ?? ConversionPipeline.calibrate(
                fused, on: calibration, from: photos, equalization: options.equalization, progress: quietly)
            calibrated[options.equalization] = graph
            let file = try ModelWriter.write(
                MemoryPlanner.plan(BlockFusion.fuse(Quantization.quantize(graph, ranges: options.ranges))),
                metadata: photos.metadata)
            record.tried.append(try trial(options, file, pixels, float))
            longest = max(longest, ContinuousClock.now - started)
            progress("tuning: \(record.tried.count) of \(all.count) ways tried")
        }
        record.chosen = record.tried.indices.reduce(0) { record.tried[$1].isBetter(than: record.tried[$0]) ? $1 : $0 }
        return (all[record.chosen], record)
    }

    private static func trial(
        _ options: TuningOptions, _ file: Data, _ pixels: [[UInt8]], _ float: [[Float]]
    ) throws -> TuningRecord.Trial {
        let session = try SelfTest.session(file, .best)
        var error = Parity.LayerError()
        var equal = 0
        for (pixels, float) in zip(pixels, float) {
            _ = session.input.update(fromContentsOf: pixels)
            session.run()
            let int8 = float.indices.map { session.logit($0) }
            if int8.answer == float.answer { equal += 1 }
            error.add(float: float, int8: int8)
        }
        return TuningRecord.Trial(options: options.said, equalAnswers: equal, logitsSqnrDb: error.sqnrDb)
    }
}

extension TuningRecord.Trial {
    package func isBetter(than other: Self) -> Bool {
        if equalAnswers != other.equalAnswers { return equalAnswers > other.equalAnswers }
        return logitsSqnrDb ?? .infinity > other.logitsSqnrDb ?? .infinity
    }
}
