// ModelMetadata: what a model file must carry besides its graph for a photo to become the right pixels and an index the
// right name. ONNX holds it in `metadata_props`: `tiny.labels` (a JSON array) and `tiny.preprocessing` (JSON, below).

import Foundation
import TinyRuntime

package struct ModelMetadata: Sendable, Equatable {
    /// One a class, in the logits' order.
    package var labels: [String]
    package var preprocessing: Preprocessing
    /// Of R, G, B, on the scale 0…255: the network sees (pixel − mean) / deviation.
    package var mean: [Float]
    package var standardDeviation: [Float]

    package init(labels: [String], preprocessing: Preprocessing, mean: [Float], standardDeviation: [Float]) {
        self.labels = labels
        self.preprocessing = preprocessing
        self.mean = mean
        self.standardDeviation = standardDeviation
    }

    package static let labelsKey = "tiny.labels"
    package static let preprocessingKey = "tiny.preprocessing"
}
