// MetadataOptions: what a person says about photos and labels over, or instead of, what the model's file says: options
// win over a contract file, which wins over the model's metadata. A model of our own exporter says all of it; a foreign
// ONNX file says nothing, and then mean and deviation must be given: a silent guess would cost accuracy unseen.

import Foundation
import ModelGraph
import TinyRuntime

package struct MetadataOptions: Sendable, Equatable {
    /// Under the options below, over the model's metadata.
    package var contract: PhotoContract?
    package var labels: [String]?
    /// R, G, B on the scale 0…255.
    package var mean: [Float]?
    package var standardDeviation: [Float]?
    /// The short side is set to this; without it (and without a word in the files) photos are squashed to the input's
    /// size.
    package var resize: Int?
    /// The network's input size; a model of fixed size takes no other.
    package var crop: Int?
    package var filter: ResizeFilter?
    /// JPEG may be decoded at n/8 of its size (docs/preprocessing.md).
    package var decodeScaling: Bool?

    package init(
        contract: PhotoContract? = nil, labels: [String]? = nil, mean: [Float]? = nil,
        standardDeviation: [Float]? = nil, resize: Int? = nil, crop: Int? = nil, filter: ResizeFilter? = nil,
        decodeScaling: Bool? = nil
    ) {
        self.contract = contract
        self.labels = labels
        self.mean = mean
        self.standardDeviation = standardDeviation
        self.resize = resize
        self.crop = crop
        self.filter = filter
        self.decodeScaling = decodeScaling
    }

    /// - Throws: `MetadataError` where the model's own words are damaged; `ConversionError` where something is missing or does not fit.
    package func resolved(for graph: FloatGraph) throws -> ModelMetadata {
        var contract = try PhotoContract(properties: graph.metadata)
        if let file = self.contract { contract = contract.overlaid(by: file) }
        contract = contract.overlaid(by: said)
        guard let mean = contract.mean, let standardDeviation = contract.standardDeviation else {
            throw ConversionError.missingPreprocessing
        }
        let input = [graph.input.width, graph.input.height]
        let (resize, crop) = (contract.resize ?? input, contract.crop ?? input)
        let metadata = ModelMetadata(
            labels: contract.labels ?? [],
            preprocessing: Preprocessing(
                resizeMode: contract.resizeMode ?? .squash, filter: contract.filter ?? .bilinear,
                decodeScaling: contract.decodeScaling ?? false, resizeWidth: resize[0], resizeHeight: resize[1],
                cropWidth: crop[0], cropHeight: crop[1]),
            mean: mean, standardDeviation: standardDeviation)
        try Self.check(metadata, for: graph)
        return metadata
    }

    /// The options alone.
    private var said: PhotoContract {
        var contract = PhotoContract()
        contract.labels = labels
        contract.mean = mean
        contract.standardDeviation = standardDeviation
        contract.crop = crop.map { [$0, $0] }
        contract.resize = resize.map { [$0, $0] }
        contract.resizeMode = resize.map { _ in .shortSide }
        contract.filter = filter
        contract.decodeScaling = decodeScaling
        return contract
    }

    private static func check(_ metadata: ModelMetadata, for graph: FloatGraph) throws {
        guard metadata.mean.count == 3, metadata.standardDeviation.count == 3, metadata.mean.allSatisfy(\.isFinite),
            metadata.standardDeviation.allSatisfy({ $0.isFinite && $0 > 0 })
        else { throw ConversionError.badPreprocessing("mean must be three numbers, std three numbers above zero") }
        if let hint = PhotoContract(metadata).unitScaleHint { throw ConversionError.badPreprocessing(hint) }
        let preprocessing = metadata.preprocessing
        guard preprocessing.cropWidth == graph.input.width, preprocessing.cropHeight == graph.input.height else {
            throw ConversionError.badPreprocessing(
                "photos are cropped to \(preprocessing.cropWidth)×\(preprocessing.cropHeight), but the network takes "
                    + "\(graph.input.width)×\(graph.input.height)")
        }
        guard preprocessing.resizeMode == .squash || preprocessing.resizeWidth == preprocessing.resizeHeight,
            preprocessing.cropWidth <= preprocessing.resizeWidth,
            preprocessing.cropHeight <= preprocessing.resizeHeight,
            max(preprocessing.resizeWidth, preprocessing.resizeHeight) <= Int(ModelLayout.Limit.side)
        else {
            throw ConversionError.badPreprocessing(
                "a photo resized to \(preprocessing.resizeWidth)×\(preprocessing.resizeHeight) has no crop of "
                    + "\(preprocessing.cropWidth)×\(preprocessing.cropHeight)")
        }
        let classes = try graph.shapes()[graph.output]?.first ?? 0
        guard metadata.labels.isEmpty || metadata.labels.count == classes else {
            throw ConversionError.labelCount(labels: metadata.labels.count, classes: classes)
        }
    }
}
