// Learned rounding against its definition in plain loops: the quadratic form is the output's error summed place by
// place, no single weight could be moved for the better, nearest is never better, the whole conversion gains on photos
// it has not seen and does not depend on the number of threads.

import Converter
import Foundation
import ModelGraph
import Testing
import TinyRuntime

struct AdaptiveRoundingTests {
    /// A layer with seeded weights, and samples whose inputs are correlated and not quite the float layer's.
    private struct Case {
        var layer: WeightedLayer
        var samples: LayerSamples

        init(inputs: Int, outputs: Int, kernel: Int = 1, count: Int, groups: Int = 1, seed: UInt64) {
            var random = SplitMix64(seed: seed)
            let own = inputs / groups
            let size = kernel * kernel * own
            let width = kernel * kernel * inputs
            let zero = 9.0
            let scale = 0.05
            layer = WeightedLayer(
                name: "layer", weights: (0..<(outputs * size)).map { _ in Double.random(in: -0.5...0.5, using: &random) },
                bias: (0..<outputs).map { _ in Double.random(in: -1...1, using: &random) },
                shape: (outputs, kernel, kernel, own),
                input: WeightedInput(
                    scale: scale, zeros: [Double](repeating: zero, count: inputs),
                    means: [Double](repeating: 1, count: inputs)),
                groups: groups, outputScale: 0.1)
            samples = LayerSamples(count: count, width: width, inputs: [], targets: [])
            for _ in 0..<count {
                let common = Double.random(in: 0...120, using: &random)
                let bytes = (0..<width).map { _ in
                    UInt8(min(max(common + Double.random(in: -60...60, using: &random), 0), 255))
                }
                samples.inputs += bytes
                for output in 0..<outputs {
                    var sum = layer.bias[output]
                    for k in 0..<size {
                        let byte = bytes[k / own * inputs + output / (outputs / groups) * own + k % own]
                        sum += layer.weights[output * size + k] * (Double(byte) - zero) * scale
                    }
                    samples.targets.append(Float(sum + Double.random(in: -0.02...0.06, using: &random)))
                }
            }
        }
    }

    private func nearest(_ form: QuadraticForm, _ row: Int, _ step: Double) -> [Double] {
        (0..<form.size).map { min(max((Double(form.weights[row * form.size + $0]) / step).rounded(), -127), 127) }
    }

    private func deviations(_ form: QuadraticForm, _ row: Int, _ values: [Double], _ step: Double) -> [Double] {
        (0..<form.size).map { values[$0] * step - Double(form.weights[row * form.size + $0]) }
    }

    /// Between any two roundings the form's difference is that of the error summed place by place, bias at its best.
    @Test(arguments: [1, 2, 6])
    func theFormIsTheOutputsErrorPlaceByPlace(_ groups: Int) throws {
        let test = Case(inputs: 6, outputs: 6, kernel: 2, count: 300, groups: groups, seed: 31)
        var random = SplitMix64(seed: 32)
        for output in 0..<6 {
            let row = output % (6 / groups)
            let form = test.samples.form(of: test.layer, group: output / (6 / groups), threads: 1)
            let scale = Double(WeightQuantization.scale(of: output, in: test.layer))
            let step = scale * test.layer.input.scale
            let first = nearest(form, row, step)
            let second = first.map { min(max($0 + Double(Int.random(in: -1...1, using: &random)), -127), 127) }
            let errors = [first, second].map { values in
                (
                    form: form.error(ofRow: row, deviations(form, row, values, step)),
                    direct: test.samples.outputError(of: values, scale: scale, output: output, in: test.layer)
                )
            }
            let form1 = errors[0].form - errors[1].form
            let direct = errors[0].direct - errors[1].direct
            // The form is in floats: its products cancel to about 1e-5 of themselves.
            #expect(abs(form1 - direct) < 1e-3 * abs(direct) + 1e-6, "output \(output): \(form1), \(direct)")
        }
    }

    @Test func noSingleMoveHelpsAndNearestIsNeverBetter() throws {
        let test = Case(inputs: 24, outputs: 8, count: 400, seed: 33)
        var form = test.samples.form(of: test.layer, threads: 2)
        form.addRidge(0.05, floor: 0.01)
        let descent = IntegerDescent(form)
        var gain = 0.0
        for row in 0..<8 {
            let step = Double(WeightQuantization.scale(of: row, in: test.layer)) * test.layer.input.scale
            let found = descent.solve(row: row, step: Float(step))
            let values = found.values.map { Double($0) }
            let error = form.error(ofRow: row, deviations(form, row, values, step))
            #expect(abs(error - found.error) < 1e-3 * abs(error) + 1e-6, "row \(row)")
            for k in 0..<form.size {
                for move in [-1.0, 1.0] where abs(values[k] + move) <= 127 {
                    var moved = values
                    moved[k] += move
                    let other = form.error(ofRow: row, deviations(form, row, moved, step))
                    let curvature = step * step * Double(form.covariance[k * form.size + k])
                    #expect(other > error - 1e-3 * curvature, "row \(row), weight \(k), \(move)")
                }
            }
            let plain = form.error(ofRow: row, deviations(form, row, nearest(form, row, step), step))
            #expect(error <= plain + 1e-9)
            gain += plain - error
        }
        #expect(gain > 0)
    }

    /// Whole layers in integers, bias rounded: the output's error on the samples, place by place.
    @Test(arguments: [1, 4, 16])
    func aLayersErrorIsAtMostNearests(_ groups: Int) throws {
        let test = Case(inputs: 16, outputs: 16, kernel: 3, count: 900, groups: groups, seed: 34)
        let nearest = try WeightQuantization.quantize(test.layer)
        let adaptive = try AdaptiveRounding.weights(of: test.layer, samples: test.samples, threads: 2)
        #expect(adaptive == (try AdaptiveRounding.weights(of: test.layer, samples: test.samples, threads: 3)))
        for output in 0..<16 {
            let kernel = test.layer.kernel
            let (plain, found) = (
                error(nearest, output, kernel, test), error(adaptive, output, kernel, test)
            )
            #expect(found <= plain * 1.0001, "output \(output): \(found), nearest \(plain)")
        }
        #expect(adaptive.values.allSatisfy { $0 >= -127 })
    }

    /// With the integer bias as it is.
    private func error(_ weights: QuantizedWeights, _ output: Int, _ kernel: Int, _ test: Case) -> Double {
        let layer = test.layer
        let channels = layer.input.zeros.count
        var sum = 0.0
        for place in 0..<test.samples.count {
            var total = Int(weights.bias[output])
            for k in 0..<kernel {
                let own = layer.shape.inputs
                let first = output / (layer.shape.outputs / layer.groups) * own
                let index = k / own * channels + first + k % own
                total += Int(weights.values[output * kernel + k]) * Int(test.samples.inputs[place * test.samples.width + index])
            }
            let real = Double(total) * layer.input.scale * Double(weights.scales[output])
            let difference = Double(test.samples.targets[place * layer.shape.outputs + output]) - real
            sum += difference * difference
        }
        return sum / Double(test.samples.count)
    }

    @Test func deadChannelsAndDeadInputsStayFinite() throws {
        var test = Case(inputs: 8, outputs: 3, count: 40, seed: 35)
        for k in 0..<8 { test.layer.weights[k] = 0 }
        for place in 0..<40 {
            test.samples.inputs[place * 8 + 2] = 9
            test.samples.targets[place * 3] = 0.5
        }
        let found = try AdaptiveRounding.weights(of: test.layer, samples: test.samples, threads: 1)
        #expect(found.multiplier.allSatisfy { $0 > 0 && $0.isFinite })
        // An input that never varies tells nothing of its weights: they stay at nearest.
        let plain = try WeightQuantization.quantize(test.layer)
        for output in 1..<3 { #expect(found.values[output * 8 + 2] == plain.values[output * 8 + 2]) }
    }

    @Test func sumsThatDoNotFitAreRefused() {
        var test = Case(inputs: 4, outputs: 1, count: 10, seed: 36)
        test.layer.input.scale = 1e10
        test.layer.outputScale = 1e-8
        #expect(throws: ConversionError.self) {
            try AdaptiveRounding.weights(of: test.layer, samples: test.samples, threads: 1)
        }
    }

    // MARK: The whole conversion

    @Test(arguments: [true, false])
    func theNetworkGainsOnPhotosItHasNotSeen(_ separable: Bool) throws {
        let graph = NetworkBuilder.interactive(separable: separable, seed: 37)
        let calibration = try PhotoFolder(count: 64, side: 32, seed: 1)
        let unseen = try PhotoFolder(count: 40, side: 32, seed: 2)
        let reports = try [Rounding.nearest, .adaptive].map { rounding in
            try ConversionPipeline.convert(
                graph, calibration: calibration.images, evaluation: unseen.images,
                options: ConversionOptions(rounding: rounding), progress: { _ in }
            ).report
        }
        let decibel = reports.map { $0.logitsSqnrDb ?? 0 }
        #expect(decibel[1] > decibel[0], "nearest \(decibel[0]) dB, adaptive \(decibel[1]) dB")
        // The first layer reads the photo itself, mean and deviation in its weights.
        let first = reports.map { $0.layers[0].sqnrDb ?? 0 }
        #expect(first[1] > first[0], "nearest \(first[0]) dB, adaptive \(first[1]) dB")
    }

    @Test func anyNumberOfThreadsGivesTheSameBytes() throws {
        let graph = NetworkBuilder.interactive(separable: true, seed: 38)
        let photos = try PhotoFolder(count: 21, side: 32, seed: 3)
        let files = try [1, 3, 1].map { threads in
            try ConversionPipeline.convert(
                graph, calibration: photos.images, evaluation: [],
                options: ConversionOptions(rounding: .adaptive, threads: threads), progress: { _ in }
            ).bytes
        }
        #expect(files[0] == files[1] && files[0] == files[2])
    }
}
