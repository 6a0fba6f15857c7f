// tiny convert: a float ONNX model and a folder of photos to a `.tiny` file, with a comparison of both.

import ArgumentParser
import Converter
import Foundation
import ModelGraph
import TinyRuntime
import Trainer

struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Convert a float ONNX model to an int8 model file, and compare the two.",
        discussion: """
            Example:
              tiny convert model.onnx --calibration photos/train \\
                --evaluate photos/val -o model.tiny --report report.html
            The file is written only after the runtime has accepted it and, with
            --min-agreement, after float and int8 gave the same answer often enough.
            The comparison goes to standard output, progress to standard error.

            A model that does not say how photos become its input (most ONNX files)
            needs --mean and --std, or a --contract file:
              {"resize_mode": "short_side", "resize": [256, 256],
               "crop": [224, 224], "filter": "bilinear",
               "mean": [123.675, 116.28, 103.53],
               "std": [58.395, 57.12, 57.375], "labels": ["cat", "dog"]}
            Options win over that file, which wins over the model.
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
        help: ArgumentHelp(
            "JSON file that says how photos become the input, and the labels; any of its keys may be left out. Also: what tiny inspect --json prints, timm's config.json, Hugging Face's preprocessor_config.json.",
            valueName: "file.json"))
    var contract: String?

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

    @Option(help: ArgumentHelp("Resize filter: bilinear or bicubic. Default: as in the model, else bilinear.", valueName: "name"))
    var filter: Filter?

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

    @Option(
        help: ArgumentHelp("How activations' ranges are chosen: mse, min-max, percentile or kl.", valueName: "method"))
    var ranges: RangeMethod = .meanSquaredError

    @Flag(
        inversion: .prefixedNo,
        help: "Bring a layer's channels to like sizes first. Seldom better where photos for calibration are few.")
    var equalize = false

    @Option(
        help: ArgumentHelp(
            "Try other --ranges and --equalize within these seconds and take what is best on photos held out. Then the file repeats only if the time is enough for all.",
            valueName: "seconds"))
    var tune: Double?

    @Option(
        help: ArgumentHelp(
            "How weights are rounded: nearest, or adaptive: so that each layer's output on the calibration photos is as the float layer's. More accurate; takes about three times as long (EfficientNet-Lite0, 200 photos, two cores: half a minute).",
            valueName: "method"))
    var rounding: Rounding = .nearest

    @Option(
        help: ArgumentHelp(
            "Write the whole comparison, also where it is below --min-agreement: as a page for .html, as JSON for .json. May be given twice.",
            valueName: "file"))
    var report: [String] = []

    @Option(
        help: ArgumentHelp(
            "Labelled photos, a folder a class: fits the softmax's temperature and the rejection threshold for the device.",
            valueName: "dir"))
    var fitConfidence: String?

    @Option(
        help: ArgumentHelp(
            "With --fit-confidence: the share of accepted answers that shall be right, 0 to 1.", valueName: "share"))
    var acceptPrecision: Double = 0.95

    @Flag(help: "Print the comparison as one JSON object.")
    var json = false

    @Flag(help: "Fail on the first photo that cannot be read. Otherwise it is named, skipped and counted.")
    var strict = false

    @Option(help: ArgumentHelp("Threads. The file does not depend on it.", valueName: "count"))
    var threads: Int = ProcessInfo.processInfo.activeProcessorCount

    enum Filter: String, ExpressibleByArgument, CaseIterable {
        case bilinear, bicubic

        var filter: ResizeFilter { self == .bilinear ? .bilinear : .bicubic }
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
        guard acceptPrecision > 0, acceptPrecision <= 1 else {
            throw ValidationError("--accept-precision is a share above 0, up to 1")
        }
        guard (0...1e6).contains(tune ?? 0) else { throw ValidationError("--tune takes seconds, 0 or more") }
        guard images > 0 else { throw ValidationError("--images must be at least 1") }
        guard (1...1024).contains(threads) else { throw ValidationError("--threads must be from 1 to 1024") }
        for path in report {
            guard ReportFile.kind(of: path) != nil else {
                throw ValidationError("--report \(path): its name must end in .html or .json, which says what to write")
            }
        }
        for (name, value) in [("--resize", resize), ("--crop", crop)] {
            guard (1...8192).contains(value ?? 1) else { throw ValidationError("\(name) must be from 1 to 8192") }
        }
    }

    func run() throws {
        for path in [output] + report { try FileContents.checkIsWritable(path) }
        let graph = try GraphFile.load(model)
        let metadata = try metadataOptions()
        let options = ConversionOptions(
            metadata: metadata, ranges: ranges, rounding: rounding, equalization: equalize, tune: tune,
            imageLimit: images, seed: seed, threads: threads, strict: strict)
        let classes = try metadata.resolved(for: graph).labels
        var conversion = try ConversionPipeline.convert(
            graph, calibration: LabelledImage.list(folder: calibration), evaluation: evaluationImages(classes),
            confidence: fitConfidence.map {
                ConfidencePhotos(images: try labelledImages($0, classes), precision: acceptPrecision)
            }, options: options, progress: ConversionProgress().say)
        // The report goes first: it is wanted most where the file is refused.
        describe(&conversion.report)
        try ReportFile.write(conversion.report, to: report, threads: threads)
        print(json ? String(decoding: try conversion.report.json(), as: UTF8.self) : conversion.report.text())
        try conversion.publish(to: output, minimumAgreement: minAgreement)
        Self.say("wrote \(output), \(conversion.bytes.count) bytes")
    }

    private func metadataOptions() throws -> MetadataOptions {
        MetadataOptions(
            contract: try contract.map { try FileContents.read($0, as: PhotoContract.init(json:)) },
            labels: try labels.map(Self.lines(of:)), mean: mean?.values, standardDeviation: std?.values, resize: resize,
            crop: crop, filter: filter?.filter, decodeScaling: decodeScaling)
    }

    /// What the command knows and the pipeline does not.
    private func describe(_ report: inout ConversionReport) {
        report.model = (model as NSString).lastPathComponent
        report.command = ReportFile.command(CommandLine.arguments)
        report.options = ReportFile.options([
            ("--calibration", calibration), ("--evaluate", evaluate), ("--fit-confidence", fitConfidence),
            ("--accept-precision", fitConfidence.map { _ in "\(acceptPrecision)" }),
            ("--images", "\(images)"), ("--seed", "\(seed)"), ("--ranges", "\(ranges)"),
            ("--rounding", rounding.rawValue), ("--equalize", equalize ? "yes" : nil), ("--tune", tune.map { "\($0)" }),
            ("--min-agreement", minAgreement > 0 ? "\(minAgreement)" : nil), ("--contract", contract),
            ("--labels", labels), ("--strict", strict ? "yes" : nil),
        ])
    }

    /// - Throws: `DatasetError` for a folder that is no class; `ConversionError` without labels in the model.
    private func labelledImages(_ folder: String, _ classes: [String]) throws -> [LabelledImage] {
        guard !classes.isEmpty else {
            throw ConversionError.badPreprocessing(
                "--fit-confidence needs the classes' names, which the model does not have: give --labels FILE")
        }
        return try DatasetIndex.evaluationSamples(folder: folder, classes: classes).map {
            LabelledImage(path: $0.path, label: $0.label)
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
        return try labelledImages(evaluate, classes)
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

extension Rounding: ExpressibleByArgument {}

extension RangeMethod: ExpressibleByArgument {
    public init?(argument: String) {
        guard let method = Self.offered.first(where: { "\($0)" == argument }) else { return nil }
        self = method
    }

    public static var allValueStrings: [String] { offered.map { "\($0)" } }
}
