// MetadataOptions: what a person says about photos and labels over, or instead of, what the model's file says. A model
// of our own exporter says all of it; a foreign ONNX file says nothing, and then mean and deviation must be given: a
// silent guess would cost accuracy unseen.

import Foundation
import ModelGraph
import TinyRuntime

package struct MetadataOptions: Sendable, Equatable {
    package var labels: [String]?
    /// R, G, B on the scale 0…255.
    package var mean: [Float]?
    package var standardDeviation: [Float]?
    /// The short side is set to this; without it (and without a word in the file) photos are squashed to the input's
    /// size.
    package var resize: Int?
    /// The network's input size; a model of fixed size takes no other.
    package var crop: Int?
    /// JPEG may be decoded at n/8 of its size (docs/preprocessing.md).
    package var decodeScaling: Bool?

    package init(
        labels: [String]? = nil, mean: [Float]? = nil, standardDeviation: [Float]? = nil, resize: Int? = nil,
        crop: Int? = nil, decodeScaling: Bool? = nil
    ) {
        self.labels = labels
        self.mean = mean
        self.standardDeviation = standardDeviation
        self.resize = resize
        self.crop = crop
        self.decodeScaling = decodeScaling
    }

    /// - Throws: `MetadataError` where the file's own words are damaged; `ConversionError` where something is missing or does not fit.
    package func resolved(for graph: FloatGraph) throws -> ModelMetadata {
        var metadata = try fromFile(graph)
        if let labels { metadata.labels = labels }
        if let mean { metadata.mean = mean }
        if let standardDeviation { metadata.standardDeviation = standardDeviation }
        if let crop { (metadata.preprocessing.cropWidth, metadata.preprocessing.cropHeight) = (crop, crop) }
        if let resize {
            metadata.preprocessing.resizeMode = .shortSide
            (metadata.preprocessing.resizeWidth, metadata.preprocessing.resizeHeight) = (resize, resize)
        }
        if let decodeScaling { metadata.preprocessing.decodeScaling = decodeScaling }
        try Self.check(metadata, for: graph)
        return metadata
    }

    private func fromFile(_ graph: FloatGraph) throws -> ModelMetadata {
        var properties = graph.metadata
        let hasLabels = properties[ModelMetadata.labelsKey] != nil
        if !hasLabels { properties[ModelMetadata.labelsKey] = "[\"unnamed\"]" }
        if properties[ModelMetadata.preprocessingKey] != nil {
            var metadata = try ModelMetadata(properties: properties)
            if !hasLabels { metadata.labels = [] }
            return metadata
        }
        guard let mean, let standardDeviation else { throw ConversionError.missingPreprocessing }
        let preprocessing = Preprocessing(
            resizeMode: .squash, resizeWidth: graph.input.width, resizeHeight: graph.input.height,
            cropWidth: graph.input.width, cropHeight: graph.input.height)
        var metadata = ModelMetadata(
            labels: [], preprocessing: preprocessing, mean: mean, standardDeviation: standardDeviation)
        if hasLabels {
            // The labels alone, read by the one reader there is: with this contract beside them.
            properties[ModelMetadata.preprocessingKey] = metadata.properties[ModelMetadata.preprocessingKey]
            metadata.labels = try ModelMetadata(properties: properties).labels
        }
        return metadata
    }

    private static func check(_ metadata: ModelMetadata, for graph: FloatGraph) throws {
        guard metadata.mean.count == 3, metadata.standardDeviation.count == 3, metadata.mean.allSatisfy(\.isFinite),
            metadata.standardDeviation.allSatisfy({ $0.isFinite && $0 > 0 })
        else { throw ConversionError.badPreprocessing("mean must be three numbers, std three numbers above zero") }
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
