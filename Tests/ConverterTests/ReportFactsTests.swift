// The report's facts counted again from logits: float's by plain loops, int8's by the runtime on the finished file.

import Converter
import Foundation
import ModelGraph
import Tensors
import Testing
import TinyRuntime

struct ReportFactsTests {
    private struct Made {
        var report: ConversionReport
        var labels: [Int]
        var float: [[Float]]
        var int8: [[Float]]
    }

    /// Folder and conversion of 40 labelled photos; the labels are float's answers for half of them, by chance for the rest.
    private static func make() throws -> Made {
        let graph = NetworkBuilder.interactive(separable: true, seed: 51)
        let calibration = try PhotoFolder(count: 6, side: 32, seed: 3)
        let unseen = try PhotoFolder(count: 40, side: 32, seed: 4)
        var images = try unseen.images
        let metadata = try MetadataOptions().resolved(for: graph)
        let pixels = try images.map { try [UInt8](Data(contentsOf: URL(fileURLWithPath: $0.path))).suffix(32 * 32 * 3) }
        let interpreter = try FloatInterpreter(graph, backend: PlainBackend())
        let float = pixels.map { bytes in
            let values = bytes.enumerated().map {
                (Float($1) - metadata.mean[$0 % 3]) / metadata.standardDeviation[$0 % 3]
            }
            return interpreter.run(PlainBackend().makeTensor(shape: [1, 32, 32, 3], values: values)).array()
        }
        var labels: [Int] = []
        for index in images.indices {
            let label = index % 2 == 0 ? best(float[index])[0] : index % 7
            images[index].label = label
            labels.append(label)
        }
        // Min-max ranges of six photos: some answers change.
        let conversion = try ConversionPipeline.convert(
            graph, calibration: calibration.images, evaluation: images, options: ConversionOptions(ranges: .minMax)) { _ in }
        let model = try conversion.bytes.withUnsafeBytes { bytes throws(ModelError) in try Model(copying: bytes) }
        let session = try Session(model: model)
        let int8 = pixels.map { bytes in
            _ = session.input.update(fromContentsOf: bytes)
            session.run()
            return (0..<7).map { session.logit($0) }
        }
        return Made(report: conversion.report, labels: labels, float: float, int8: int8)
    }

    /// Classes, the most probable first, of equal ones the first.
    private static func best(_ logits: [Float]) -> [Int] {
        logits.indices.sorted { logits[$0] != logits[$1] ? logits[$0] > logits[$1] : $0 < $1 }
    }

    private static func softmax(_ logits: [Float]) -> [Double] {
        let powers = logits.map { exp(Double($0) - Double(logits.max() ?? 0)) }
        return powers.map { $0 / powers.reduce(0, +) }
    }

    @Test func answersAreCountedAsTheyFell() throws {
        let made = try Self.make()
        let report = made.report
        let float = made.float.map(Self.best)
        let int8 = made.int8.map(Self.best)
        func share(_ isRight: (Int) -> Bool) -> Double { Double((0..<40).count(where: isRight)) / 40 }
        #expect(report.floatTop1 == share { float[$0][0] == made.labels[$0] })
        #expect(report.int8Top1 == share { int8[$0][0] == made.labels[$0] })
        #expect(report.floatTop5 == share { float[$0].prefix(5).contains(made.labels[$0]) })
        #expect(report.int8Top5 == share { int8[$0].prefix(5).contains(made.labels[$0]) })
        #expect(report.equalAnswers == (0..<40).count { float[$0][0] == int8[$0][0] })
        #expect(report.labelledImages == 40 && report.calibrationPhotos.count == 6 && report.classes == 7)

        var matrix = [[Int]](repeating: [Int](repeating: 0, count: 7), count: 7)
        for photo in 0..<40 { matrix[made.labels[photo]][int8[photo][0]] += 1 }
        #expect(report.confusion.int8 == matrix && report.confusion.isOfLabels)
        for pair in report.confusion.pairs {
            #expect(pair.truth != pair.answer && pair.int8 == matrix[pair.truth][pair.answer])
            #expect(pair.float == (0..<40).count { made.labels[$0] == pair.truth && float[$0][0] == pair.answer })
        }
        let wrong = (0..<40).count { int8[$0][0] != made.labels[$0] }
        #expect(report.confusion.pairs.reduce(0) { $0 + $1.int8 } == wrong)

        let changed = (0..<40).filter { float[$0][0] != int8[$0][0] }
        #expect(report.changed.count == changed.count)
        for (entry, photo) in zip(report.changed, changed) {
            #expect(entry.photo.hasSuffix(String(format: "/%03d.ppm", photo)))
            #expect(entry.label == "class \(made.labels[photo])")
            for (guesses, logits) in [(entry.float, made.float[photo]), (entry.int8, made.int8[photo])] {
                #expect(guesses.map(\.index) == Array(Self.best(logits).prefix(3)))
                let expected = Self.softmax(logits)
                for guess in guesses {
                    #expect(abs(guess.probability - expected[guess.index]) < 1e-3)
                    #expect(guess.label == "class \(guess.index)")
                }
            }
        }
    }

    @Test func layersAndMemoryAddUp() throws {
        let report = try Self.make().report
        #expect(report.multiplyAdds == report.layers.reduce(0) { $0 + $1.multiplyAdds } && report.multiplyAdds > 0)
        // Every layer's output, and the photo, has a place or is inside a block.
        let made = Set(report.memoryPlan.map(\.layer))
        #expect(made.count == report.memoryPlan.count && made.isSubset(of: Set(-1..<report.layers.count)))
        #expect(report.memoryPlan.count < report.layers.count + 1 && made.contains(report.layers.count - 1))
        for (index, layer) in report.layers.enumerated() {
            let alive = report.memoryPlan.filter { $0.first <= index && index <= $0.last }
            #expect(layer.aliveBytes == alive.reduce(0) { $0 + $1.bytes })
            #expect(layer.outputBytes == layer.shape.reduce(1, *))
            #expect(layer.inputs.allSatisfy { (-1..<index).contains($0) })
            for block in alive {
                #expect(block.offset + block.bytes <= report.arenaBytes)
                #expect(alive.allSatisfy { $0 == block || $0.offset + $0.bytes <= block.offset || block.offset + block.bytes <= $0.offset })
            }
        }
        // What each layer adds in noise to signal falls down the list.
        let lossiest = report.lossiest(100)
        let added = lossiest.map { pow(10, -($0.layer.sqnrDb ?? 0) / 10) - ($0.layer.inputSqnrDb.map { pow(10, -$0 / 10) } ?? 0) }
        #expect(added == added.sorted(by: >) && !added.isEmpty && added.allSatisfy { $0 > 0 })
        #expect(lossiest.allSatisfy { $0.layer.cause != nil && !$0.layer.isReadByTablesOnly })
    }

    @Test func aRangeThatIsTooNarrowIsCalledSaturation() throws {
        // Clips half of the values: their noise is the clipping's.
        let graph = NetworkBuilder.interactive(separable: false, seed: 52)
        let photos = try PhotoFolder(count: 8, side: 32, seed: 3)
        let clipped = try ConversionPipeline.convert(
            graph, calibration: photos.images, evaluation: [], options: ConversionOptions(ranges: .percentile(0.5))) { _ in }.report
        let causes = clipped.lossiest(5).map(\.layer.cause)
        #expect(causes.contains(.saturation), "\(causes)")
        let fine = try ConversionPipeline.convert(
            graph, calibration: photos.images, evaluation: [], options: ConversionOptions(ranges: .minMax)) { _ in }.report
        #expect(!fine.layers.contains { $0.cause == .saturation })
        #expect(fine.verdict.level != .poor && clipped.agreement <= fine.agreement)
    }

    @Test func verdictsFollowTheirRule() throws {
        var report = try Self.make().report
        func level(equal: Int, of images: Int, float: Double? = nil, int8: Double? = nil) -> ConversionReport.Verdict.Level {
            report.images = images
            report.equalAnswers = equal
            report.agreement = Double(equal) / Double(images)
            report.labelledImages = float == nil ? 0 : images
            report.floatTop1 = float
            report.int8Top1 = int8
            return ConversionReport.Verdict(report).level
        }
        #expect(level(equal: 970, of: 1000) == .good && level(equal: 969, of: 1000) == .fair)
        #expect(level(equal: 900, of: 1000) == .fair && level(equal: 899, of: 1000) == .poor)
        #expect(level(equal: 19, of: 20) == .good && level(equal: 18, of: 20) == .fair)
        #expect(level(equal: 990, of: 1000, float: 0.8, int8: 0.789) == .good)
        #expect(level(equal: 990, of: 1000, float: 0.8, int8: 0.78) == .fair)
        #expect(level(equal: 990, of: 1000, float: 0.8, int8: 0.76) == .poor)
        #expect(level(equal: 990, of: 1000, float: 0.8, int8: 0.9) == .good)
    }
}
