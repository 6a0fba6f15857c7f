// Softmax, top-k and rejection against Double's own exponential and a sort.

import Foundation
import Testing
import TinyRuntime

@Suite struct PredictionTests {
    /// Probabilities as the mathematics has them, the most probable first, equal ones by index.
    private func reference(_ logits: [Double], temperature: Double) -> [(index: Int, probability: Double)] {
        let best = logits.max() ?? 0
        let powers = logits.map { exp(($0 - best) / temperature) }
        let sum = powers.reduce(0, +)
        return powers.enumerated().map { ($0.offset, $0.element / sum) }
            .sorted { logits[$0.index] != logits[$1.index] ? logits[$0.index] > logits[$1.index] : $0.index < $1.index }
    }

    @Test(arguments: [
        (3, Float(0.1), Float(1)), (120, 0.05, 0.7), (150, 0.2, 2.5), (2, 3, 0.5), (1, 0.1, 1), (150, 40, 1),
    ])
    func predictionsEqualTheReference(classes: Int, scale: Float, temperature: Float) throws {
        var network = TestNetworks.logitsFromPixels(classes: classes, scale: scale, zeroPoint: 128)
        network.temperature = temperature
        let session = try Session(model: try load(network.build().bytes))
        var random = SplitMix64(seed: UInt64(classes))
        for _ in 0..<20 {
            // Values from a small range come twice, so that ties are met.
            session.setInput((0..<session.input.count).map { _ in UInt8.random(in: 90...130, using: &random) })
            session.run()
            let logits = (0..<classes).map { Double(Int(session.output[$0]) - 128) * Double(scale) }
            let expected = reference(logits, temperature: Double(temperature))
            for top in [1, 5, classes, classes + 7] {
                let (predictions, rejected) = session.classify(top: top)
                #expect(!rejected)
                #expect(predictions.map(\.index) == expected.prefix(top).map(\.index))
                for (prediction, expected) in zip(predictions, expected) {
                    // Float's half unit in the last place, and what sums in another order may add to it
                    #expect(
                        abs(Double(prediction.probability) - expected.probability) <= expected.probability * 7e-8
                            + 1e-45)
                }
            }
        }
    }

    /// The table of exponentials, seen through two classes `distance` steps apart: p₂/p₁ = e^(−distance·scale).
    @Test func exponentialsAreExactToAFloatOverTheWholeRange() throws {
        for scale in [0.001, 0.02, 0.3, 0.34, 1, 2.7] as [Float] {
            let session = try Session(
                model: try load(TestNetworks.logitsFromPixels(classes: 2, scale: scale).build().bytes))
            for distance in 0...255 {
                session.setInput([255, UInt8(255 - distance), 0])
                session.run()
                let expected = 1 / (1 + exp(Double(distance) * Double(scale)))
                let actual = session.classify(top: 2).predictions[1].probability
                let tolerance = max(expected * 6.1e-8, Double(Float.leastNonzeroMagnitude))
                #expect(abs(Double(actual) - expected) <= tolerance, "distance \(distance), scale \(scale)")
            }
        }
    }

    @Test func aBestProbabilityBelowTheThresholdIsRejectedAndStillReported() throws {
        for (threshold, isRejected) in [(Float(0), false), (0.24, false), (0.25, false), (0.26, true), (1, true)] {
            var network = TestNetworks.logitsFromPixels(classes: 4, scale: 0.1)
            network.rejectionThreshold = threshold
            let session = try Session(model: try load(network.build().bytes))
            session.setInput([9, 9, 9, 9, 0, 0])
            session.run()
            let (predictions, rejected) = session.classify(top: 2)
            #expect(rejected == isRejected, "threshold \(threshold)")
            #expect(predictions == [.init(index: 0, probability: 0.25), .init(index: 1, probability: 0.25)])
        }
    }

    @Test func topIsBoundedByZeroByTheClassesAndByTheBuffer() throws {
        let session = try Session(model: try load(TestNetworks.logitsFromPixels(classes: 4, scale: 0.1).build().bytes))
        session.setInput([1, 2, 3, 4, 0, 0])
        session.run()
        #expect(session.classify(top: 0).predictions.isEmpty)
        #expect(session.classify(top: -3).predictions.isEmpty)
        #expect(session.classify(top: 9).predictions.map(\.index) == [3, 2, 1, 0])
        var two = [Prediction](repeating: .init(index: -1, probability: 0), count: 2)
        let outcome = two.withUnsafeMutableBufferPointer { session.classify(top: 4, into: $0) }
        #expect(outcome.count == 2)
        #expect(two.map(\.index) == [3, 2])
    }
}
