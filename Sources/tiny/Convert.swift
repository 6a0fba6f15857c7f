// tiny convert: a float ONNX model and a folder of photos to a `.tiny` file, with a comparison of both.

import ArgumentParser
import Converter
import Foundation
import ModelGraph
import Trainer

struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Convert a float ONNX model to an int8 model file, and compare the two.",
        discussion: """
            Example:
              tiny convert runs/a/model.onnx --calibration photos/train --evaluate photos/val -o model.tiny
            The file is written only after the runtime has accepted it and, with --min-agreement, after float and int8 gave
            the same answer often enough. A model that does not say how photos become its input (most ONNX files) needs
            --mean and --std. The comparison goes to standard output; progress goes to standard error.
            """)

    @Argument(help: ArgumentHelp("The float model.", valueName: "model.onnx"))
    var model: String

    @Option(
        help: ArgumentHelp("Folder of typical photos (also in folders below); labels are not needed.", valueName: "dir")
    )
    var calibration: String

    @Option(name: [.short, .long], help: ArgumentHelp("The file to write.", valueName: "model.tiny"))
    var output: String

    @Option(
        help: ArgumentHelp(
            "Photos to compare float and int8 on, a folder a class. Default: the calibration photos.", valueName: "dir")
    )
    var evaluate: String?

    @Option(
        help: ArgumentHelp(
            "Least share of equal answers, 0 to 1; below it exit code 1 and no file.", valueName: "share"))
    var minAgreement: Double = 0

    @Option(
        help: ArgumentHelp("File with the classes' names, one a line. Default: those in the model.", valueName: "file"))
    var labels: String?

    @Option(
        help: ArgumentHelp("Mean of each channel on the scale 0-255. Default: as in the model.", valueName: "R,G,B"))
    var mean: Triple?

    @Option(
        help: ArgumentHelp(
            "Standard deviation of each channel on the scale 0-255. Default: as in the model.", valueName: "R,G,B"))
    var std: Triple?

    @Option(
        help: ArgumentHelp(
            "Resize the short side of photos to this before the crop. Default: as in the model, else squash to its input.",
            valueName: "pixels"))
    var resize: Int?

    @Option(help: ArgumentHelp("Side of the centre crop. Default: the model's input size.", valueName: "pixels"))
    var crop: Int?

    @Flag(
        inversion: .prefixedNo,
        help:
            "Let large JPEG photos be decoded at a fraction of their size: faster, far less memory, pixels differ a little. Default: as in the model, else not."
    )
    var decodeScaling: Bool?

    @Option(help: ArgumentHelp("Most calibration photos used, drawn with --seed.", valueName: "count"))
    var images: Int = 256

    @Option(help: ArgumentHelp("Draws the calibration photos where there are more than --images.", valueName: "number"))
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("How activations' ranges are chosen: mse, min-max or percentile.", valueName: "method"))
    var ranges: Ranges = .mse

    @Option(
        help: ArgumentHelp(
            "Write the whole comparison as JSON, also where it is below --min-agreement.", valueName: "file.json"))
    var report: String?

    @Flag(help: "Print the comparison as one JSON object.")
    var json = false

    @Flag(help: "Fail on the first photo that cannot be read. Otherwise it is named, skipped and counted.")
    var strict = false

    @Option(help: ArgumentHelp("Threads. The file does not depend on it.", valueName: "count"))
    var threads: Int = ProcessInfo.processInfo.activeProcessorCount

    enum Ranges: String, ExpressibleByArgument, CaseIterable {
        case mse
        case minMax = "min-max"
        case percentile

        var method: RangeMethod {
            switch self {
            case .mse: .meanSquaredError
            case .minMax: .minMax
            case .percentile: .percentile(0.0001)
            }
        }
    }

    /// Three numbers with commas between them.
    struct Triple: ExpressibleByArgument {
        var values: [Float]
        init?(argument: String) {
            values = argument.split(separator: ",", omittingEmptySubsequences: false).compactMap { Float($0) }
            guard values.count == 3, argument.count(where: { $0 == "," }) == 2 else { return nil }
        }
    }

    func validate() throws {
        guard (0...1).contains(minAgreement) else { throw ValidationError("--min-agreement is a share from 0 to 1") }
        guard images > 0 else { throw ValidationError("--images must be at least 1") }
        guard (1...1024).contains(threads) else { throw ValidationError("--threads must be from 1 to 1024") }
        for (name, value) in [("--resize", resize), ("--crop", crop)] {
            guard (1...8192).contains(value ?? 1) else { throw ValidationError("\(name) must be from 1 to 8192") }
        }
    }

    func run() throws {
        for path in [output, report].compactMap({ $0 }) { try Self.checkFolder(of: path) }
        let graph = try GraphFile.load(model)
        var metadata = MetadataOptions(
            mean: mean?.values, standardDeviation: std?.values, resize: resize, crop: crop,
            decodeScaling: decodeScaling)
        if let labels { metadata.labels = try Self.lines(of: labels) }
        let options = ConversionOptions(
            metadata: metadata, ranges: ranges.method, imageLimit: images, seed: seed, threads: threads, strict: strict)
        let classes = try metadata.resolved(for: graph).labels
        let conversion = try ConversionPipeline.convert(
            graph, calibration: LabelledImage.list(folder: calibration), evaluation: evaluationImages(classes),
            options: options, progress: Self.say)
        // The report goes first: it is wanted most where the file is refused.
        if let report { try FileContents.write(conversion.report.json(pretty: true) + Data("\n".utf8), to: report) }
        print(json ? String(decoding: try conversion.report.json(), as: UTF8.self) : conversion.report.text())
        try conversion.publish(to: output, minimumAgreement: minAgreement)
        Self.say("wrote \(output), \(conversion.bytes.count) bytes")
    }

    /// Minutes of work should not end at a folder that was never there.
    private static func checkFolder(of path: String) throws {
        let folder = (path as NSString).deletingLastPathComponent
        guard access(folder.isEmpty ? "." : folder, W_OK) == 0 else {
            throw FileError.notWritten(path: path, reason: String(cString: strerror(errno)))
        }
    }

    private func evaluationImages(_ classes: [String]) throws -> [LabelledImage] {
        guard let evaluate else { return [] }
        // Without names there is nothing to compare folders with: answers alone are compared.
        guard !classes.isEmpty else {
            let photos = try LabelledImage.list(folder: evaluate)
            guard !photos.isEmpty else { throw ConversionError.noEvaluationImages(unreadable: 0) }
            return photos
        }
        return try DatasetIndex.evaluationSamples(folder: evaluate, classes: classes).map {
            LabelledImage(path: $0.path, label: $0.label)
        }
    }

    private static func lines(of path: String) throws -> [String] {
        let data = try FileContents.read(path)
        guard let text = String(data: data, encoding: .utf8) else {
            throw FileError.unreadable(path: path, reason: "it is not UTF-8 text")
        }
        let lines = text.split(whereSeparator: \.isNewline).map(String.init)
        guard !lines.isEmpty else { throw FileError.unreadable(path: path, reason: "no labels in it: one a line") }
        return lines
    }

    private static func say(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
}
