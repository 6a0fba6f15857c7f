// Temperature, threshold and calibration error against plain loops: a grid of temperatures, every threshold, bins by hand.

import Converter
import Foundation
import Testing
import TinyRuntime

struct ConfidenceFittingTests {
    /// Photos as u8 logits whose softmax at temperature `truth` is the chance that each class is the label: the fit should find it.
    private static func photos(
        _ count: Int, classes: Int, scale: Double, truth: Double, seed: UInt64
    ) -> [(logits: [UInt8], label: Int)] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in
            let logits = (0..<classes).map { _ in UInt8.random(in: 60...200, using: &random) }
            let weights = logits.map { exp(Double($0) * scale / truth) }
            var left = Double.random(in: 0..<weights.reduce(0, +), using: &random)
            var label = 0
            while label + 1 < classes, left >= weights[label] {
                left -= weights[label]
                label += 1
            }
            return (logits, label)
        }
    }

    /// Softmax in Double.
    private static func probabilities(_ logits: [UInt8], scale: Double, temperature: Double) -> [Double] {
        let best = Double(logits.max() ?? 0)
        let powers = logits.map { exp((Double($0) - best) * scale / temperature) }
        return powers.map { $0 / powers.reduce(0, +) }
    }

    private static func likelihood(
        _ photos: [(logits: [UInt8], label: Int)], scale: Double, temperature: Double
    ) -> Double {
        photos.reduce(0) {
            $0 - log(probabilities($1.logits, scale: scale, temperature: temperature)[$1.label])
        } / Double(photos.count)
    }

    private static func fit(
        _ photos: [(logits: [UInt8], label: Int)], scale: Double, precision: Double = 0.9
    ) throws -> ConfidenceFit {
        try ConfidenceFitting(
            answers: photos.map { .init(logits: $0.logits, label: $0.label) }, scale: Float(scale), precision: precision
        ).fit(classes: 5, skipped: 0)
    }

    @Test(arguments: [(0.5, 1), (1.0, 2), (1.7, 3), (3.0, 4)] as [(Double, UInt64)])
    func temperatureIsTheLeastOfAGrid(_ truth: Double, _ seed: UInt64) throws {
        let scale = 0.05
        let photos = Self.photos(600, classes: 6, scale: scale, truth: truth, seed: seed)
        let fit = try Self.fit(photos, scale: scale)
        let grid = stride(from: 0.2, through: 6, by: 0.002).map {
            ($0, Self.likelihood(photos, scale: scale, temperature: $0))
        }
        let best = try #require(grid.min { $0.1 < $1.1 })
        #expect(abs(Double(fit.temperature) - best.0) < 0.003, "\(fit.temperature), grid \(best)")
        #expect(abs(fit.negativeLogLikelihoodAfter - best.1) < 1e-6)
        #expect(abs(fit.negativeLogLikelihoodBefore - Self.likelihood(photos, scale: scale, temperature: 1)) < 1e-6)
        // 600 photos tell the truth only roughly.
        #expect(abs(log(Double(fit.temperature) / truth)) < 0.25)
    }

    @Test func calibrationErrorIsThatOfFifteenBins() throws {
        let scale = 0.05
        let photos = Self.photos(400, classes: 6, scale: scale, truth: 2.5, seed: 9)
        let fit = try Self.fit(photos, scale: scale)
        for (temperature, found, bins) in [
            (1.0, fit.calibrationErrorBefore, fit.binsBefore),
            (Double(fit.temperature), fit.calibrationErrorAfter, fit.binsAfter),
        ] {
            var error = 0.0
            for bin in 0..<15 {
                let inside = photos.map { photo -> (Double, Bool) in
                    let p = Self.probabilities(photo.logits, scale: scale, temperature: temperature)
                    let answer = photo.logits.firstIndex(of: photo.logits.max() ?? 0)
                    return (p.max() ?? 0, answer == photo.label)
                }.filter { $0.0 > Double(bin) / 15 && $0.0 <= Double(bin + 1) / 15 }
                #expect(bins[bin].images == inside.count)
                guard !inside.isEmpty else { continue }
                let confidence = inside.reduce(0) { $0 + $1.0 } / Double(inside.count)
                let accuracy = Double(inside.count { $0.1 }) / Double(inside.count)
                #expect(abs(bins[bin].confidence - confidence) < 1e-6 && abs(bins[bin].accuracy - accuracy) < 1e-9)
                error += abs(accuracy - confidence) * Double(inside.count) / Double(photos.count)
            }
            #expect(abs(found - error) < 1e-6)
        }
        #expect(fit.calibrationErrorAfter < fit.calibrationErrorBefore)
        #expect(fit.binsAfter.reduce(0) { $0 + $1.images } == 400)
    }

    @Test(arguments: [0.5, 0.7, 0.8, 0.9])
    func thresholdIsTheLowestOfAllThatReachThePrecision(_ precision: Double) throws {
        let scale = 0.05
        let photos = Self.photos(300, classes: 6, scale: scale, truth: 1.3, seed: 11)
        let fit = try Self.fit(photos, scale: scale, precision: precision)
        let answers = photos.map { photo -> (p: Double, right: Bool) in
            let p = Self.probabilities(photo.logits, scale: scale, temperature: Double(fit.temperature))
            return (p.max() ?? 0, photo.logits.firstIndex(of: photo.logits.max() ?? 0) == photo.label)
        }
        func accepted(_ threshold: Double) -> (count: Int, right: Int) {
            let taken = answers.filter { $0.p >= threshold }
            return (taken.count, taken.count { $0.right })
        }
        let reached = ([0] + answers.map(\.p)).filter {
            let (count, right) = accepted($0)
            return count >= 20 && Double(right) >= precision * Double(count)
        }
        let lowest = try #require(reached.min())
        let (count, right) = accepted(lowest)
        #expect(accepted(Double(fit.rejectionThreshold)) == (count, right))
        #expect(abs(fit.coverage - Double(count) / 300) < 1e-9)
        #expect(abs(fit.acceptedAccuracy - Double(right) / Double(count)) < 1e-9 && fit.acceptedAccuracy >= precision)
        #expect((fit.rejectionThreshold == 0) == (fit.accuracy >= precision) && fit.wantedPrecision == precision)
    }

    @Test func aPrecisionThatNoThresholdReachesRejectsNothing() throws {
        // Labels by chance: no answer is surer than another.
        var random = SplitMix64(seed: 3)
        let photos = (0..<200).map { _ in
            (logits: (0..<6).map { _ in UInt8.random(in: 60...200, using: &random) }, label: Int.random(in: 0..<6, using: &random))
        }
        let fit = try Self.fit(photos, scale: 0.05, precision: 0.99)
        #expect(fit.rejectionThreshold == 0 && fit.coverage == 1 && fit.note?.contains("99.0 %") == true)
    }

    @Test func tooFewPhotosOrOneClassIsRefused() throws {
        let photos = Self.photos(49, classes: 6, scale: 0.05, truth: 1, seed: 1)
        let answers = photos.map { ConfidenceFitting.Answer(logits: $0.logits, label: $0.label) }
        #expect(throws: ConversionError.tooFewForConfidence(images: 49, classes: 5)) {
            try ConfidenceFitting(answers: answers, scale: 0.05, precision: 0.9).fit(classes: 5, skipped: 0)
        }
        #expect(throws: ConversionError.tooFewForConfidence(images: 98, classes: 1)) {
            try ConfidenceFitting(answers: answers + answers, scale: 0.05, precision: 0.9).fit(classes: 1, skipped: 0)
        }
        let words = "\(ConversionError.tooFewForConfidence(images: 49, classes: 5))"
        #expect(words.contains("49 labelled photos") && words.contains("at least 50 photos"))
    }

    @Test func allRightOrAllWrongFitsNothingItCannotKnow() throws {
        let right = (0..<60).map { (logits: [UInt8](repeating: 10, count: 3).enumerated().map { $0 == 1 ? 200 : $1 + UInt8($0) }, label: 1 + 0 * $0) }
        let sure = try Self.fit(right, scale: 0.05)
        #expect(sure.temperature == 1 && sure.rejectionThreshold == 0 && sure.coverage == 1 && sure.note != nil)
        let wrong = try Self.fit(right.map { ($0.logits, 2) }, scale: 0.05)
        #expect(wrong.temperature == 20 && wrong.rejectionThreshold == 0 && wrong.accuracy == 0 && wrong.note != nil)
    }

    @Test func theFileCarriesTheFitAndItsAnswersStay() throws {
        let graph = NetworkBuilder.interactive(separable: true, seed: 41)
        let photos = try PhotoFolder(count: 70, side: 32, seed: 8)
        var labelled = try photos.images
        for index in labelled.indices { labelled[index].label = index % 7 }
        let calibration = Array(labelled.prefix(20))
        let plain = try ConversionPipeline.convert(
            graph, calibration: calibration, evaluation: labelled, options: ConversionOptions()) { _ in }
        let fitted = try ConversionPipeline.convert(
            graph, calibration: calibration, evaluation: labelled, confidence: ConfidencePhotos(images: labelled), options: ConversionOptions()
        ) { _ in }
        let fit = try #require(fitted.report.confidence)
        let model = try fitted.bytes.withUnsafeBytes { bytes throws(ModelError) in try Model(copying: bytes) }
        #expect(model.edge.temperature == fit.temperature && model.edge.rejectionThreshold == fit.rejectionThreshold)
        // Random labels: the fit must find that the network is too sure.
        #expect(fit.temperature > 1 && fit.images == 70 && fit.classes == 7)
        #expect(fitted.report.int8Top1 == plain.report.int8Top1 && fitted.report.logitsSqnrDb == plain.report.logitsSqnrDb)
        #expect(fitted.bytes.count == plain.bytes.count && fitted.bytes != plain.bytes)
        #expect(plain.report.confidence == nil)
        #expect(throws: ConversionError.tooFewForConfidence(images: 20, classes: 7)) {
            try ConversionPipeline.convert(
                graph, calibration: calibration, evaluation: [], confidence: ConfidencePhotos(images: calibration), options: ConversionOptions()
            ) { _ in }
        }
    }
}
