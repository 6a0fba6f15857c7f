// Quantized weights against the float layer, in plain loops: each weight within half a step, the bias with the input's
// zero in it, a channel's mean kept by the correction, sums that fit.

import Converter
import Foundation
import Testing
import TinyRuntime

struct WeightQuantizationTests {
    private let shape = (outputs: 5, kernelHeight: 3, kernelWidth: 2, inputs: 4)

    private func quantize(
        _ weights: [Double], _ bias: [Double], zeros: [Double] = [3, 3, 3, 3], means: [Double] = [0, 0, 0, 0],
        correct: Bool = true
    ) throws -> QuantizedWeights {
        try WeightQuantization.quantize(
            WeightedLayer(
                name: "layer", weights: weights, bias: bias, shape: shape,
                input: WeightedInput(scale: 0.05, zeros: zeros, means: means), groups: 1, outputScale: 0.1),
            correctBias: correct)
    }

    private func random(_ count: Int, _ reach: Double, seed: UInt64) -> [Double] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in Double.random(in: -reach...reach, using: &random) }
    }

    @Test func weightsAreWithinHalfAStepAndUseTheWholeScale() throws {
        let weights = random(120, 0.7, seed: 1)
        let result = try quantize(weights, [0, 0, 0, 0, 0])
        for channel in 0..<5 {
            let row = channel * 24..<(channel + 1) * 24
            #expect(result.values[row].map { abs(Int($0)) }.max() == 127)
            for index in row {
                let error = abs(Double(result.values[index]) * Double(result.scales[channel]) - weights[index])
                #expect(error <= 0.5001 * Double(result.scales[channel]))
            }
        }
    }

    /// The integer layer on q, dequantized, is the float layer on the dequantized input, up to the weights' and bias's
    /// rounding.
    @Test func integerSumsEqualTheFloatLayer() throws {
        let weights = random(120, 0.7, seed: 2)
        let bias = random(5, 1, seed: 3)
        let result = try quantize(weights, bias, zeros: [7, 7, 7, 7])
        var random = SplitMix64(seed: 4)
        for _ in 0..<20 {
            let input = (0..<24).map { _ in UInt8.random(in: 0...255, using: &random) }
            for channel in 0..<5 {
                var sum = Int(result.bias[channel])
                var float = bias[channel]
                var bound = 0.0
                for k in 0..<24 {
                    sum += Int(input[k]) * Int(result.values[channel * 24 + k])
                    let x = (Double(input[k]) - 7) * 0.05
                    float += x * weights[channel * 24 + k]
                    bound += abs(x) * 0.5 * Double(result.scales[channel])
                }
                let real = Double(sum) * Double(result.multiplier[channel]) * 0.1
                #expect(abs(real - float) <= bound + 0.05 * Double(result.scales[channel]) + 1e-5)
            }
        }
    }

    /// A mean pixel that is not an integer goes into the bias unrounded but for the bias's own step.
    @Test func fractionalZeroIsExactInTheBias() throws {
        let weights = random(120, 0.7, seed: 5)
        let zeros = [123.675, 116.28, 103.53, 0.5]
        let result = try quantize(weights, [0, 0, 0, 0, 0], zeros: zeros)
        for channel in 0..<5 {
            let sum = (0..<24).reduce(0.0) { $0 + Double(result.values[channel * 24 + $1]) * zeros[$1 % 4] }
            #expect(abs(Double(result.bias[channel]) + sum) <= 0.5001)
        }
    }

    @Test func correctionKeepsEachChannelsMean() throws {
        let weights = random(120, 0.7, seed: 6)
        let bias = random(5, 1, seed: 7)
        let means = [4.0, 1.5, 0.2, 7.0]
        for correct in [false, true] {
            let result = try quantize(weights, bias, means: means, correct: correct)
            var largest = 0.0
            for channel in 0..<5 {
                let unit = 0.05 * Double(result.scales[channel])
                var float = bias[channel]
                var int8 = Double(result.bias[channel]) * unit
                for k in 0..<24 {
                    float += weights[channel * 24 + k] * means[k % 4]
                    // The mean input in steps, its zero point added.
                    int8 += Double(result.values[channel * 24 + k]) * (means[k % 4] / 0.05 + 3) * unit
                }
                largest = max(largest, abs(float - int8))
            }
            #expect(correct ? largest < 1e-3 : largest > 5e-3, "corrected: \(correct), largest difference \(largest)")
        }
    }

    @Test func deadAndNearlyDeadChannels() throws {
        var weights = random(120, 0.7, seed: 8)
        for index in 0..<24 { weights[index] = 0 }
        for index in 24..<48 { weights[index] = 1e-25 }
        let result = try quantize(weights, [0, 0.8, 0, 0, 0])
        #expect(result.values[0..<24].allSatisfy { $0 == 0 })
        #expect(result.bias[0] == 0 && result.multiplier[0] == 1)
        // The bias alone is the output, in steps of 0.1.
        #expect(abs(Double(result.bias[1]) * Double(result.multiplier[1]) - 8) < 1e-3)
        #expect(result.multiplier.allSatisfy { $0 > 0 && $0.isFinite })
    }

    @Test func sumsThatDoNotFitAreRefused() {
        let wide = [Double](repeating: 0.5, count: 70000)
        #expect(throws: ConversionError.self) {
            try WeightQuantization.quantize(
                WeightedLayer(
                    name: "layer", weights: wide, bias: [0], shape: (1, 1, 1, 70000),
                    input: WeightedInput(
                        scale: 0.05, zeros: [Double](repeating: 0, count: 70000),
                        means: [Double](repeating: 0, count: 70000)),
                    groups: 1, outputScale: 0.1))
        }
        #expect(throws: ConversionError.self) {
            try WeightQuantization.quantize(
                WeightedLayer(
                    name: "layer", weights: [1, 1, 1, 1], bias: [0], shape: (1, 1, 1, 4),
                    input: WeightedInput(scale: 1e10, zeros: [0, 0, 0, 0], means: [0, 0, 0, 0]), groups: 1,
                    outputScale: 1e-8))
        }
    }
}
