// What --tune tries, on which photos, and what it takes.

import Converter
import Foundation
import ModelGraph
import Testing

struct TuningTests {
    private func convert(_ graph: FloatGraph, _ photos: PhotoFolder, _ options: ConversionOptions) throws -> Conversion {
        try ConversionPipeline.convert(graph, calibration: photos.images, evaluation: [], options: options) { _ in }
    }

    @Test func everyFifthPhotoIsHeldOut() {
        let images = (0..<12).map { LabelledImage(path: "p\($0)") }
        let split = Tuning.split(images)
        #expect(split.heldOut.map(\.path) == ["p4", "p9"])
        #expect(split.calibration.count == 10 && !split.calibration.contains(images[4]))
        let few = Tuning.split(Array(images.prefix(4)))
        #expect(few.heldOut.count == 4 && few.calibration.count == 4)
    }

    @Test func theDefaultIsTriedFirstAndOnce() {
        let first = TuningOptions(ranges: .kullbackLeibler, equalization: true)
        let all = TuningOptions.all(first: first)
        #expect(all.first == first && all.count == 8)
        #expect(Set(all.map(\.said)).count == 8)
    }

    @Test func answersCountBeforePrecisionAndTiesStay() {
        func trial(_ equal: Int, _ decibel: Double?) -> TuningRecord.Trial {
            .init(options: "", equalAnswers: equal, logitsSqnrDb: decibel)
        }
        #expect(trial(5, 10).isBetter(than: trial(4, 30)))
        #expect(trial(5, 31).isBetter(than: trial(5, 30)))
        #expect(!trial(5, 30).isBetter(than: trial(5, 30)))
        #expect(trial(5, nil).isBetter(than: trial(5, 30)))
    }

    @Test func withTimeTheBestOfAllIsTakenAndTheFileRepeats() throws {
        let graph = NetworkBuilder.interactive(separable: true, seed: 31)
        let photos = try PhotoFolder(count: 15, side: 32, seed: 9)
        let first = try convert(graph, photos, ConversionOptions(tune: 3600, threads: 1))
        let record = try #require(first.report.tuning)
        #expect(record.heldOutImages == 3 && record.tried.count == 8 && record.untried.isEmpty)
        for trial in record.tried { #expect(!trial.isBetter(than: record.tried[record.chosen])) }
        #expect(try convert(graph, photos, ConversionOptions(tune: 3600, threads: 3)).bytes == first.bytes)

        // The file is the one that the chosen options give on all photos.
        let options = try #require(
            TuningOptions.all(first: .init(ranges: .meanSquaredError, equalization: false)).first {
                $0.said == record.tried[record.chosen].options
            })
        let plain = try convert(
            graph, photos, ConversionOptions(ranges: options.ranges, equalization: options.equalization))
        #expect(plain.bytes == first.bytes && plain.report.tuning == nil)
        #expect(first.report.text().contains("held out"))
    }

    @Test func withoutTimeTheDefaultIsTakenAndTheRestNamed() throws {
        let graph = NetworkBuilder.interactive(separable: true, seed: 32)
        let photos = try PhotoFolder(count: 10, side: 32, seed: 10)
        let tuned = try convert(graph, photos, ConversionOptions(ranges: .minMax, tune: 0))
        let record = try #require(tuned.report.tuning)
        #expect(record.tried.map(\.options) == ["--ranges min-max --no-equalize"] && record.untried.count == 7)
        #expect(tuned.bytes == (try convert(graph, photos, ConversionOptions(ranges: .minMax))).bytes)
    }
}
