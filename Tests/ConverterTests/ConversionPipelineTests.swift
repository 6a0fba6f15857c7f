// The whole conversion: RMG-PMSI in small, its accuracy and its repeatability; what is refused; what is published.

import Converter
import Foundation
import ModelGraph
import Tensors
import Testing
import TinyRuntime

struct ConversionPipelineTests {
    private func convert(
        _ graph: FloatGraph, _ photos: [LabelledImage], evaluation: [LabelledImage] = [],
        _ options: ConversionOptions = .init()
    ) throws -> Conversion {
        try ConversionPipeline.convert(graph, calibration: photos, evaluation: evaluation, options: options) { _ in }
    }

    @Test(arguments: [true, false])
    func interactiveNetworkConverts(_ separable: Bool) throws {
        let graph = NetworkBuilder.interactive(separable: separable, seed: 21)
        let calibration = try PhotoFolder(count: 40, side: 32, seed: 1)
        let unseen = try PhotoFolder(count: 40, side: 32, seed: 2)
        let conversion = try convert(graph, calibration.images, evaluation: unseen.images)
        let report = conversion.report
        #expect(report.images == 40 && report.calibrationImages == 40 && report.labelledImages == 0)
        #expect(report.floatTop1 == nil)
        // Untrained, the interaction's products reach ±60 where the sigmoid lives within ±6: an 8-bit x_m decides such
        // gates coarsely.
        #expect(report.logitsSqnrDb ?? 0 > 18, "\(report.text(worst: 100))")
        #expect(report.agreement >= 0.9, "\(report.text())")
        #expect(report.fileBytes == conversion.bytes.count)
        let model = try conversion.bytes.withUnsafeBytes { bytes throws(ModelError) in try Model(copying: bytes) }
        #expect(model.edge.classCount == 7 && model.edge.labelCount == 7)
        #expect(String(decoding: model.edge.label(3), as: UTF8.self) == "class 3")
        #expect(model.edge.temperature == 1 && model.edge.rejectionThreshold == 0)
        #expect(model.edge.arenaBytes == report.arenaBytes)
    }

    @Test func equalInputGivesEqualBytesForAnyNumberOfThreads() throws {
        let graph = NetworkBuilder.interactive(separable: true, seed: 22)
        let photos = try PhotoFolder(count: 21, side: 32, seed: 3)
        let first = try convert(graph, photos.images, ConversionOptions(threads: 1))
        for threads in [1, 2, 3] {
            let again = try convert(graph, photos.images, ConversionOptions(threads: threads))
            #expect(again.bytes == first.bytes, "\(threads) threads")
            #expect(try again.report.json() == first.report.json())
        }
        #expect(try convert(graph, Array(photos.images.reversed()), ConversionOptions(threads: 2)).report.images == 21)
    }

    @Test(arguments: [RangeMethod.minMax, .percentile(0.001), .kullbackLeibler], [true, false])
    func everyWayIsTheSameForAnyNumberOfThreads(_ ranges: RangeMethod, _ equalization: Bool) throws {
        let graph = NetworkBuilder.interactive(separable: true, seed: 27)
        let photos = try PhotoFolder(count: 21, side: 32, seed: 4)
        let files = try [1, 2, 3].map { threads in
            try convert(
                graph, photos.images,
                ConversionOptions(ranges: ranges, equalization: equalization, threads: threads)
            ).bytes
        }
        #expect(files[1] == files[0] && files[2] == files[0])
    }

    /// x₁…x₃ and m₁…m₃ of the interaction are read by a concat and by their stage: each has its own scale, made for its
    /// own values, and goes into the concat through a table.
    @Test func edgesOfTheInteractionAreCalibratedApart() throws {
        let graph = NetworkBuilder.interactive(separable: true, seed: 28)
        let photos = try PhotoFolder(count: 12, side: 32, seed: 5)
        let metadata = try MetadataOptions().resolved(for: graph)
        let calibrated = try Calibration.calibrate(
            OperatorFusion.fuse(FoldedGraph(folding: graph)), on: photos.images,
            from: PhotoSource(metadata: metadata, threads: 1, strict: true)
        ) { _ in }
        let scales = ActivationScales(calibrated, by: .minMax)
        let steps = calibrated.fused.steps
        var apart = 0
        for concat in steps where concat.op == .concat {
            for input in concat.inputs where steps.contains(where: { $0.op != .concat && $0.inputs.contains(input) }) {
                let histogram = try #require(calibrated.edges[input]).histogram
                let own = AffineScale(
                    covering: ActivationRange(low: Double(histogram.minimum), high: Double(histogram.maximum)))
                #expect(scales.affine[input] == own, "\(input) in \(concat.name)")
                apart += 1
            }
        }
        #expect(apart == 6, "x₁…x₃ and m₁…m₃")
    }

    @Test func imageLimitDrawsBySeed() throws {
        let images = (0..<50).map { LabelledImage(path: "p\($0)") }
        let drawn = LabelledImage.drawn(images, limit: 10, seed: 4)
        #expect(drawn.count == 10 && Set(drawn.map(\.path)).count == 10)
        #expect(drawn == LabelledImage.drawn(images, limit: 10, seed: 4))
        #expect(drawn != LabelledImage.drawn(images, limit: 10, seed: 5))
        #expect(drawn.map(\.path) == images.map(\.path).filter(drawn.map(\.path).contains))
        #expect(LabelledImage.drawn(images, limit: 50, seed: 1) == images)
        #expect(LabelledImage.drawn(images, limit: nil, seed: 1) == images)
    }

    @Test func top1CountsLabels() throws {
        let graph = NetworkBuilder.interactive(separable: true, seed: 23)
        let photos = try PhotoFolder(count: 16, side: 32)
        // Label every photo with what float answers: float's top-1 is 1 and int8's is the agreement.
        let metadata = try MetadataOptions().resolved(for: graph)
        let interpreter = try FloatInterpreter(graph, backend: PlainBackend())
        let labelled = try photos.images.map { image in
            let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: image.path))).suffix(32 * 32 * 3)
            let values = bytes.enumerated().map {
                (Float($1) - metadata.mean[$0 % 3]) / metadata.standardDeviation[$0 % 3]
            }
            let logits = interpreter.run(PlainBackend().makeTensor(shape: [1, 32, 32, 3], values: values)).array()
            return LabelledImage(path: image.path, label: logits.indices.max { logits[$0] < logits[$1] })
        }
        let report = try convert(graph, labelled).report
        #expect(report.labelledImages == 16 && report.floatTop1 == 1)
        #expect(report.int8Top1 == report.agreement)
    }

    // MARK: Refused

    @Test func unreadablePhotosAreNamedSkippedAndCounted() throws {
        let graph = NetworkBuilder.interactive(separable: true, seed: 24)
        let photos = try PhotoFolder(count: 5, side: 32)
        let bad = photos.path + "/002.ppm"
        try Data("P6\n32 32\n255\nshort".utf8).write(to: URL(fileURLWithPath: bad))
        var lines: [String] = []
        let conversion = try ConversionPipeline.convert(
            graph, calibration: photos.images, evaluation: [], options: ConversionOptions(),
            progress: { lines.append($0) })
        #expect(conversion.report.calibrationImages == 4 && conversion.report.calibrationSkipped == 1)
        #expect(conversion.report.images == 4 && conversion.report.skipped == 1)
        #expect(lines.contains { $0.contains(bad) })
        #expect(throws: ConversionError.self) { try convert(graph, photos.images, ConversionOptions(strict: true)) }
    }

    @Test func noPhotosIsAnError() throws {
        let graph = NetworkBuilder.interactive(separable: true, seed: 25)
        #expect(throws: ConversionError.noCalibrationImages(unreadable: 0)) { try convert(graph, []) }
        #expect(throws: ConversionError.noCalibrationImages(unreadable: 1)) {
            try convert(graph, [LabelledImage(path: "/nowhere.jpg")])
        }
        let photos = try PhotoFolder(count: 2, side: 32)
        #expect(throws: ConversionError.noEvaluationImages(unreadable: 1)) {
            try convert(graph, photos.images, evaluation: [LabelledImage(path: "/nowhere.jpg")])
        }
        #expect(throws: FileError.missing(path: "/nowhere")) { try LabelledImage.list(folder: "/nowhere") }
    }

    @Test func metadataThatDoesNotFitIsRefused() throws {
        let graph = NetworkBuilder.interactive(separable: true, seed: 26)
        func resolve(_ graph: FloatGraph, _ options: MetadataOptions) throws -> ModelMetadata {
            try options.resolved(for: graph)
        }
        #expect(throws: ConversionError.labelCount(labels: 2, classes: 7)) {
            try resolve(graph, MetadataOptions(labels: ["a", "b"]))
        }
        #expect(throws: ConversionError.self) { try resolve(graph, MetadataOptions(crop: 64)) }
        #expect(throws: ConversionError.self) { try resolve(graph, MetadataOptions(resize: 16)) }
        #expect(throws: ConversionError.self) { try resolve(graph, MetadataOptions(standardDeviation: [1, 0, 1])) }
        var foreign = graph
        foreign.metadata = [:]
        #expect(throws: ConversionError.missingPreprocessing) { try resolve(foreign, MetadataOptions()) }
        #expect(throws: ConversionError.missingPreprocessing) {
            try resolve(foreign, MetadataOptions(mean: [1, 2, 3]))
        }
        let resolved = try resolve(
            foreign, MetadataOptions(mean: [1, 2, 3], standardDeviation: [4, 5, 6], resize: 40))
        #expect(resolved.labels.isEmpty && resolved.mean == [1, 2, 3])
        #expect(resolved.preprocessing.resizeMode == .shortSide && resolved.preprocessing.resizeWidth == 40)
        #expect(resolved.preprocessing.cropWidth == 32 && !resolved.preprocessing.decodeScaling)
        #expect(try resolve(graph, MetadataOptions(decodeScaling: true)).preprocessing.decodeScaling)
        #expect(try !resolve(graph, MetadataOptions()).preprocessing.decodeScaling)
        foreign.metadata = [ModelMetadata.preprocessingKey: "{}"]
        #expect(throws: MetadataError.self) { try resolve(foreign, MetadataOptions()) }
    }

    @Test func graphsThatCannotBeConvertedAreRefusedByNode() throws {
        // A network that reads the photo with something else than a convolution.
        var pooled = NetworkBuilder(side: 8, seed: 1)
        _ = pooled.linear(pooled.node(.globalAveragePool, ["photo"]), 3)
        #expect(throws: ConversionError.self) { try OperatorFusion.fuse(FoldedGraph(folding: pooled.finished())) }

        var padded = NetworkBuilder(side: 8, seed: 1)
        _ = padded.linear(
            padded.node(.globalAveragePool, [padded.convolution("photo", 3, kernel: 3, depthwise: true)]), 3)
        let photos = try PhotoFolder(count: 2, side: 8)
        #expect(throws: ConversionError.self) { try convert(padded.finished(), photos.images) }

        var overflowing = NetworkBuilder(side: 8, seed: 2)
        var x = overflowing.convolution("photo", 4, kernel: 3)
        for _ in 0..<8 { x = overflowing.node(.multiply, [x, x]) }
        _ = overflowing.linear(overflowing.node(.globalAveragePool, [x]), 3)
        var graph = overflowing.finished()
        graph.weights = graph.weights.mapValues { weight in
            FloatGraph.Weight(shape: weight.shape, values: weight.values.map { $0 * 1000 })
        }
        #expect(throws: ConversionError.self) { try convert(graph, photos.images) }
    }

    // MARK: Published

    @Test func belowTheWantedAgreementNothingIsWritten() throws {
        let graph = NetworkBuilder.interactive(separable: true, seed: 27)
        let photos = try PhotoFolder(count: 4, side: 32)
        var conversion = try convert(graph, photos.images)
        let path = photos.path + "/model.tiny"
        try Data("earlier".utf8).write(to: URL(fileURLWithPath: path))
        conversion.report.equalAnswers = 3
        conversion.report.agreement = 0.75
        #expect(throws: ConversionError.agreementTooLow(equal: 3, images: 4, minimum: 0.8)) {
            try conversion.publish(to: path, minimumAgreement: 0.8)
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("earlier".utf8))
        try conversion.publish(to: path, minimumAgreement: 0.75)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == conversion.bytes)
        #expect(throws: FileError.self) { try conversion.publish(to: "/nowhere/model.tiny", minimumAgreement: 0) }
    }

    @Test func reportReadsBackAsJSON() throws {
        let graph = NetworkBuilder.interactive(separable: true, seed: 28)
        let photos = try PhotoFolder(count: 3, side: 32)
        let report = try convert(graph, photos.images).report
        let object = try #require(try JSONSerialization.jsonObject(with: report.json()) as? [String: Any])
        #expect(object["equal_answers"] as? Int == report.equalAnswers)
        #expect(object["arena_bytes"] as? Int == report.arenaBytes)
        #expect((object["layers"] as? [[String: Any]])?.count == report.layers.count)
        #expect(report.text().contains("equal answers \(report.equalAnswers) of 3"))
    }
}
