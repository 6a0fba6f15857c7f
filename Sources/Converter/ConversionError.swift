// ConversionError: why a model was not converted, said with the node, edge or photo it failed at, and with what to do
// next. Files as wholes are ModelGraph's `FileError`; damaged ONNX is its reader's error.

package enum ConversionError: Error, Equatable {
    // What was asked for
    /// Neither the model nor the options say how a photo becomes the network's input.
    case missingPreprocessing
    case badPreprocessing(String)
    case labelCount(labels: Int, classes: Int)
    case noCalibrationImages(unreadable: Int)
    case noEvaluationImages(unreadable: Int)
    /// Labelled photos for --fit-confidence that could be read, and how many classes they are of.
    case tooFewForConfidence(images: Int, classes: Int)
    /// With `strict`: the first photo that could not be read.
    case unreadableImage(path: String, reason: String)

    // What the float model holds
    case badInput(String)
    case badNode(name: String, reason: String)
    /// The edge's values are not finite on some calibration photo.
    case notFinite(edge: String)

    // What came out
    case tooLarge(String)
    /// The runtime refused the finished file, or its self-test: never published.
    case refusedByRuntime(String)
    case agreementTooLow(equal: Int, images: Int, minimum: Double)
}

extension ConversionError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missingPreprocessing:
            "the model does not say how photos become its input: give --mean R,G,B and --std R,G,B on the scale 0-255 "
                + "(ImageNet's are 123.675,116.28,103.53 and 58.395,57.12,57.375)"
        case .badPreprocessing(let reason): "preprocessing: \(reason)"
        case .labelCount(let labels, let classes):
            "\(labels) labels for a network of \(classes) classes: give --labels FILE with one label a line"
        case .noCalibrationImages(let unreadable):
            unreadable == 0
                ? "no calibration photos (.jpg, .jpeg, .png, .ppm) found: --calibration wants a folder of typical photos"
                : "none of the \(unreadable) calibration photos could be read"
        case .noEvaluationImages(let unreadable):
            unreadable == 0
                ? "no photos (.jpg, .jpeg, .png, .ppm) to compare on found: --evaluate wants a folder of photos"
                : "none of the \(unreadable) photos to compare on could be read"
        case .tooFewForConfidence(let images, let classes):
            classes == 0 && images == 0
                ? "no labelled photos to fit the confidence on: --fit-confidence wants a folder a class with the model's "
                    + "class names, at least \(ConfidenceFitting.imageMinimum) photos"
                : "\(images) labelled photo\(images == 1 ? "" : "s") of \(classes) class\(classes == 1 ? "" : "es") are too few to fit "
                    + "the confidence: --fit-confidence needs at least \(ConfidenceFitting.imageMinimum) photos of at least 2 "
                    + "classes that calibration has not seen"
        case .unreadableImage(let path, let reason): "\(path): \(reason) (leave out --strict to skip such photos)"
        case .badInput(let reason): "the network's input: \(reason)"
        case .badNode(let name, let reason): "node '\(name)': \(reason)"
        case .notFinite(let edge):
            "edge '\(edge)' has values that are not finite: the network overflows on a calibration photo"
        case .tooLarge(let reason): "the model does not fit the file format: \(reason)"
        case .refusedByRuntime(let reason):
            "the runtime refused the finished file (\(reason)); nothing was written. This is a fault of the converter"
        case .agreementTooLow(let equal, let images, let minimum):
            "int8 gives float's answer on \(equal) of \(images) photos, less than --min-agreement \(minimum); nothing was "
                + "written. More, or more typical, calibration photos usually help"
        }
    }
}
