// tiny evaluate: a model's answers on labelled photos: top-1, top-5, confusion, calibration.

import ArgumentParser
import Foundation
import Trainer

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure a model on folders of labelled photos.",
        discussion: """
            DIR holds CLASS/photo.jpg with the model's class names; of a DIR with val/ (validation/, test/) that folder is used.
            A .tiny model runs on the device's runtime, .onnx and .safetensors in float, all with the model's own preprocessing.

              tiny evaluate runs/typefaces/model.onnx --data samples/typefaces
              tiny evaluate model.tiny --data samples/typefaces/val --json
            """)

    @Argument(
        help: ArgumentHelp("A .tiny or .onnx model, or a .safetensors checkpoint of tiny train.", valueName: "model"))
    var model: String
    @Option(help: ArgumentHelp("Folder of labelled photos.", valueName: "dir"))
    var data: String
    @Flag(help: "One JSON object on one line; top1 and top5 are shares of 1.")
    var json = false
    @Option(help: "Threads that decode and compute. (default: one a core)")
    var threads: Int?
    @Flag(help: "Fail for an unreadable photo instead of skipping it.")
    var strict = false

    func validate() throws {
        let kind = (model as NSString).pathExtension.lowercased()
        guard EvaluatedModel.accepted.contains(kind) else {
            throw ValidationError("'\(model)' ends in none of .tiny, .onnx, .safetensors")
        }
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads \(threads): it must be from 1 to 1024")
        }
    }

    func run() throws {
        let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
        let evaluated = try EvaluatedModel(path: model, threads: threads)
        let samples = try DatasetIndex.evaluationSamples(folder: data, classes: evaluated.labels)
        let progress = ConsoleProgress()
        defer { progress.close() }
        var metrics = ClassificationMetrics(classCount: evaluated.labels.count)
        var skipped = 0
        try evaluated.run(on: samples.map(\.path), workers: threads) { index, outcome in
            switch outcome {
            case .logits(let logits):
                metrics.add(logits: logits, label: samples[index].label, temperature: evaluated.temperature)
            case .skipped(let reason):
                if strict { throw DatasetError.badImage(path: samples[index].path, reason: reason) }
                progress.line("skipped: \(samples[index].path): \(reason)")
                skipped += 1
            }
            progress.renew("\(index + 1)/\(samples.count) images")
        }
        progress.close()
        guard metrics.images > 0 else { throw DatasetError.noImages(folder: data) }
        let report = EvaluationReport(
            model: model, data: data, labels: evaluated.labels, skipped: skipped, metrics: metrics)
        print(try json ? report.json() : report.text())
    }
}

private struct EvaluationReport {
    var model: String
    var data: String
    var labels: [String]
    var skipped: Int
    var metrics: ClassificationMetrics

    private struct Object: Encodable {
        struct Class: Encodable {
            var label: String
            var images: Int
            var top1: Double?
        }
        var model: String
        var images: Int
        var skipped: Int
        var top1: Double
        var top5: Double
        var expected_calibration_error: Double
        var classes: [Class]
        /// Rows are the truth, columns the answers, both in the order of `classes`.
        var confusion: [[Int]]
    }

    func json() throws -> String {
        let object = Object(
            model: model, images: metrics.images, skipped: skipped, top1: metrics.top1, top5: metrics.top5,
            expected_calibration_error: metrics.expectedCalibrationError,
            classes: labels.indices.map {
                Object.Class(label: labels[$0], images: metrics.imagesOf($0), top1: metrics.top1(of: $0))
            },
            confusion: metrics.confusion)
        return try JSONLine.text(object)
    }

    /// Most classes for which the whole matrix is printed.
    private static let matrixLimit = 20

    func text() -> String {
        let percent = { ConsoleProgress.percent($0) }
        var lines = [
            "\(model) on \(data): \(metrics.images) images" + (skipped > 0 ? ", \(skipped) skipped" : "")
                + ", \(labels.count) classes",
            "top-1 \(percent(metrics.top1))   top-5 \(percent(metrics.top5))   calibration error "
                + String(format: "%.3f", metrics.expectedCalibrationError),
            "",
        ]
        let width = max(5, labels.map(\.count).max() ?? 0)
        func pad(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        func right(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        lines.append("\(pad("class", width))  images    top-1  most often taken for")
        for label in labels.indices where metrics.imagesOf(label) > 0 {
            let wrong = metrics.mostOftenTakenFor(label).map { "\(labels[$0.answer]) (\($0.count))" } ?? ""
            let share = metrics.top1(of: label).map(percent) ?? ""
            let line =
                "\(pad(labels[label], width))  \(right("\(metrics.imagesOf(label))", 6))  \(right(share, 7))  \(wrong)"
            lines.append(line.replacingOccurrences(of: " +$", with: "", options: .regularExpression))
        }
        if labels.count <= Self.matrixLimit {
            lines += ["", "confusion: a row for each class, its images by the answer given, columns in the same order"]
            for label in labels.indices {
                lines.append(pad(labels[label], width) + metrics.confusion[label].map { right("\($0)", 5) }.joined())
            }
        }
        return lines.joined(separator: "\n")
    }
}
