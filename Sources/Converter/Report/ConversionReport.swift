// ConversionReport: what the conversion cost in accuracy and what it gave in size, as facts: figures, layers, memory
// plan, confusions, changed answers. `json` is all of it as one object, `text` (ConversionReport+Text) the short of it,
// `ReportPage` the same as a page. How the facts are taken is ConversionReport+Measuring. Left out: dates and machine
// names, so that the same conversion gives the same report.

import Foundation
import ModelGraph

package struct ConversionReport: Sendable, Equatable, Codable {
    /// The outcome in words for a newcomer.
    package struct Verdict: Sendable, Equatable, Codable {
        package enum Level: String, Sendable, Codable {
            case good, fair, poor
        }
        package var level: Level
        package var headline: String
        package var explanation: String
    }

    package struct Layer: Sendable, Equatable, Codable {
        /// What most of the layer's noise comes from; an estimate, see `Parity.LayerError`.
        package enum Cause: String, Sendable, Codable {
            /// Values beyond the range that the 256 steps cover.
            case saturation
            /// Rounding of the output to its steps.
            case coarseSteps = "coarse_steps"
            /// Noise that came in with the inputs.
            case earlierLayers = "earlier_layers"
            /// Rounded weights, or inputs' noise that the layer makes larger.
            case weights
            /// Without weights: sums that nearly cancel, products.
            case arithmetic
        }

        package var name: String
        package var op: String
        /// Layers whose outputs it reads, by index; −1: the photo.
        package var inputs: [Int]
        /// height, width, channels
        package var shape: [Int]
        /// Signal to quantization noise of the layer's output, noise of earlier layers included; nil: no noise or no
        /// signal.
        package var sqnrDb: Double?
        /// The least of its inputs; nil: none of them has noise.
        package var inputSqnrDb: Double?
        /// nil without noise, and where only tables read the output.
        package var cause: Cause?
        /// Values of the float network that calibration saw.
        package var minimum: Double
        package var maximum: Double
        /// What the 256 steps cover.
        package var low: Double
        package var high: Double
        /// Share of float values that lie outside.
        package var saturatedShare: Double
        /// Only tables (sigmoid, ELU) read it: its range was chosen for their results, and what saturates is where they
        /// are flat. The figure to look at is the table's.
        package var isReadByTablesOnly: Bool
        /// For one photo.
        package var multiplyAdds: Int
        package var weightBytes: Int
        /// Weights, biases, multipliers, table in the file, with padding.
        package var constantBytes: Int
        package var outputBytes: Int
        /// Of all activations that must stand while the layer runs.
        package var aliveBytes: Int
    }

    /// An activation's place in the arena.
    /// An activation's place; those inside blocks have none.
    package struct MemoryBlock: Sendable, Equatable, Codable {
        /// The edge.
        package var name: String
        /// The layer that makes it; -1 makes the photo.
        package var layer: Int
        /// Of what a concat joins: as if its bytes stood together in the output, and not pixel by pixel.
        package var offset: Int
        package var bytes: Int
        /// First and last layer during which it stands alone: an elementwise layer may write over it, and a concat's output takes over
        /// what was written into it. The answer stands until one past the last layer. A block's layers are as one.
        package var first: Int
        package var last: Int
    }

    /// Which classes are taken for which.
    package struct Confusion: Sendable, Equatable, Codable {
        package struct Pair: Sendable, Equatable, Codable {
            /// Classes, by index.
            package var truth: Int
            package var answer: Int
            /// Photos.
            package var float: Int
            package var int8: Int
        }
        /// False without labels: float's answers stand for the truth then.
        package var isOfLabels: Bool
        /// truth × answer, photos; nil above `matrixLimit` classes.
        package var float: [[Int]]?
        package var int8: [[Int]]?
        /// Wrong answers, the most frequent first (int8 and float together), at most `pairLimit`.
        package var pairs: [Pair]

        package static let matrixLimit = 40
        package static let pairLimit = 30

        package init(isOfLabels: Bool, float: [[Int]]?, int8: [[Int]]?, pairs: [Pair]) {
            self.isOfLabels = isOfLabels
            self.float = float
            self.int8 = int8
            self.pairs = pairs
        }
    }

    /// A photo on which int8's best class is not float's.
    package struct ChangedAnswer: Sendable, Equatable, Codable {
        package struct Guess: Sendable, Equatable, Codable {
            package var index: Int
            /// Its label, or "class 12".
            package var label: String
            /// int8's with the model's temperature, float's as trained.
            package var probability: Double

            package init(index: Int, label: String, probability: Double) {
                self.index = index
                self.label = label
                self.probability = probability
            }
        }
        package var photo: String
        package var label: String?
        /// The three most probable.
        package var float: [Guess]
        package var int8: [Guess]

        package init(photo: String, label: String?, float: [Guess], int8: [Guess]) {
            self.photo = photo
            self.label = label
            self.float = float
            self.int8 = int8
        }
    }

    package struct SkippedPhoto: Sendable, Equatable, Codable {
        package var photo: String
        package var reason: String

        package init(photo: String, reason: String) {
            self.photo = photo
            self.reason = reason
        }
    }

    package struct Option: Sendable, Equatable, Codable {
        package var name: String
        package var value: String
        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package var verdict: Verdict
    /// The network's name; the command puts the model's file here.
    package var model: String
    package var classes: Int
    /// Labels and how photos become the input.
    package var contract: PhotoContract
    /// What the reader left out or changed.
    package var notes: [String]
    /// How the command was called; empty where it was not a command.
    package var options: [Option] = []
    package var command: String?

    /// How weights were rounded.
    package var rounding = Rounding.nearest
    package var calibrationImages: Int
    package var calibrationSkipped: Int
    package var calibrationPhotos: [String]
    package var calibrationSkippedPhotos: [SkippedPhoto]
    /// Compared.
    package var images: Int
    package var skipped: Int
    package var skippedPhotos: [SkippedPhoto]
    package var labelledImages: Int
    /// Shares of the labelled images; nil without labels.
    package var floatTop1: Double?
    package var int8Top1: Double?
    /// nil also for five classes and fewer.
    package var floatTop5: Double?
    package var int8Top5: Double?
    package var equalAnswers: Int
    /// Share of the images on which int8's best class is float's.
    package var agreement: Double
    package var confusion: Confusion
    package var changed: [ChangedAnswer]
    package var confidence: ConfidenceFit?
    /// Signal to noise of the logits over all images.
    package var logitsSqnrDb: Double?
    package var floatBytes: Int
    package var fileBytes: Int
    package var weightBytes: Int
    package var arenaBytes: Int
    /// No plan could be smaller.
    package var arenaLowerBoundBytes: Int
    package var multiplyAdds: Int
    /// In order of execution.
    package var layers: [Layer]
    /// What `--tune` tried; nil without it.
    package var tuning: TuningRecord?
    package var memoryPlan: [MemoryBlock]

    /// One JSON object, keys sorted, names in snake_case.
    package func json(pretty: Bool = false) throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting =
            pretty ? [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }

    /// A class's name: its label, or "class 12".
    package func className(_ index: Int) -> String { contract.className(index) }

    /// The layers that add the most noise, worst first: by how much noise-to-signal grows from the worst input to the
    /// output. (A layer's own SQNR says little of it: it holds the noise of all layers before.)
    package func lossiest(_ count: Int) -> [(index: Int, layer: Layer)] {
        func share(_ decibel: Double?) -> Double { decibel.map { pow(10, -$0 / 10) } ?? 0 }
        let added = layers.indices.filter { layers[$0].sqnrDb != nil && !layers[$0].isReadByTablesOnly }.map {
            (index: $0, noise: share(layers[$0].sqnrDb) - share(layers[$0].inputSqnrDb))
        }.filter { $0.noise > 0 }
        return added.sorted { ($1.noise, $0.index) < ($0.noise, $1.index) }.prefix(count).map {
            ($0.index, layers[$0.index])
        }
    }
}
