// MobileNetV2 as data: torchvision's rounding, names, shapes and initial values; padding styles; refused
// configurations.

import Foundation
import Tensors
import TestSupport
import Testing
import Trainer

@Suite struct MethodMobileNetTests {
    let backend = PlainBackend()

    func network(_ change: (inout NetworkConfiguration) -> Void = { _ in }) throws -> any Network {
        var configuration = NetworkConfiguration(classCount: 10)
        configuration.method = .plain
        configuration.imageSize = 32
        change(&configuration)
        return try configuration.makeNetwork(backend: backend, seed: 3)
    }

    func count(_ network: any Network) -> Int {
        network.parameters.filter { $0.group != .buffer }.reduce(0) { $0 + $1.value.count }
    }

    /// Of `mobilenet()` in tools/goldens/method.py at these widths (1.4 with 1792 last channels), and a classifier of
    /// ten. (torchvision's 1.0 has 3,504,872 with a classifier of a thousand.)
    @Test(
        arguments: [
            (1, 3_504_872 - 990 * 1281), (1.4, 4_315_776 + 10 * 1793), (0.75, 1_355_424 + 10 * 1281),
            (0.35, 396_128 + 10 * 1281), (0.25, 238_112 + 10 * 1281),
        ] as [(Float, Int)])
    func parameterCounts(width: Float, expected: Int) throws {
        #expect(count(try network { $0.width = width }) == expected)
    }

    @Test func namesAndShapesAreTorchvisions() throws {
        let network = try network()
        #expect(network.parameters.count == 262 && Set(network.parameters.map(\.name)).count == 262)
        for (name, shape) in [
            ("features.0.0.weight", [32, 3, 3, 3]), ("features.0.1.running_var", [32]),
            ("features.1.conv.0.0.weight", [32, 1, 3, 3]), ("features.1.conv.1.weight", [16, 32, 1, 1]),
            ("features.1.conv.2.bias", [16]), ("features.2.conv.0.0.weight", [96, 16, 1, 1]),
            ("features.2.conv.1.0.weight", [96, 1, 3, 3]), ("features.2.conv.2.weight", [24, 96, 1, 1]),
            ("features.2.conv.3.running_mean", [24]), ("features.17.conv.2.weight", [320, 960, 1, 1]),
            ("features.18.0.weight", [1280, 320, 1, 1]), ("features.18.1.weight", [1280]),
            ("classifier.1.weight", [10, 1280]), ("classifier.1.bias", [10]),
        ] {
            #expect(network.parameter(name)?.fileShape == shape, "\(name)")
        }
    }

    @Test func newValuesHaveTheirDistribution() throws {
        let network = try network()
        func moments(_ name: String) throws -> (mean: Float, deviation: Float, largest: Float) {
            let values = try #require(network.parameter(name)).value.array()
            let mean = values.reduce(0, +) / Float(values.count)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(values.count)
            return (mean, variance.squareRoot(), values.map(abs).max() ?? 0)
        }
        // 409,600 normal values of deviation √(2 / 1280): mean and deviation within 5 standard errors, the largest
        // beyond 4 deviations.
        let deviation = Float(2.0 / 1280).squareRoot()
        let last = try moments("features.18.0.weight")
        #expect(abs(last.mean) < 5 * deviation / 640 && abs(last.deviation / deviation - 1) < 5 / 905)
        #expect(last.largest > 4 * deviation && last.largest < 7 * deviation)
        // 12,800 uniform values in ±1/√1280: deviation bound/√3.
        let bound = 1 / Float(1280).squareRoot()
        let classifier = try moments("classifier.1.weight")
        #expect(classifier.largest <= bound && classifier.largest > 0.99 * bound)
        #expect(abs(classifier.deviation / bound * Float(3).squareRoot() - 1) < 0.02)
        #expect(try moments("classifier.1.bias").largest <= bound)
        #expect(try moments("features.0.1.weight").mean == 1 && moments("features.0.1.bias").largest == 0)
        #expect(try moments("features.0.1.running_var").mean == 1)
        #expect(try moments("features.0.1.running_mean").largest == 0)
    }

    @Test func seedsAndNamesDecideTheValues() throws {
        let (plain, staged) = (try network(), try network { $0.method = .rmgPMSI })
        for parameter in plain.parameters where parameter.name.hasPrefix("features.") {
            #expect(staged.parameter(parameter.name)?.value.array() == parameter.value.array())
        }
        var configuration = NetworkConfiguration(classCount: 10)
        configuration.method = .plain
        let other = try configuration.makeNetwork(backend: backend, seed: 4)
        #expect(other.parameters[0].value.array() != plain.parameters[0].value.array())
    }

    @Test(arguments: [
        (PaddingStyle.torch, 3, 2, 160, [1, 1, 1, 1]), (.tensorflow, 3, 2, 160, [0, 1, 0, 1]),
        (.tensorflow, 3, 1, 160, [1, 1, 1, 1]), (.tensorflow, 3, 2, 5, [1, 1, 1, 1]),
        (.tensorflow, 1, 1, 7, [0, 0, 0, 0]),
    ])
    func padding(style: PaddingStyle, kernel: Int, stride: Int, size: Int, expected: [Int]) {
        let window = style.window(kernel: kernel, stride: stride, inputSize: size)
        #expect([window.padTop, window.padBottom, window.padLeft, window.padRight] == expected)
        #expect(window.outputHeight(size) == (size + stride - 1) / stride)
    }

    /// The taps of the paper at 448²: 56·56·32, 28·28·96, 14·14·1280; other taps and a stride-1 stem by data.
    @Test func tapsAreData() throws {
        func shapes(_ size: Int, _ change: (inout NetworkConfiguration) -> Void) throws -> [[Int]] {
            var configuration = NetworkConfiguration(classCount: 2)
            configuration.imageSize = size
            change(&configuration)
            let backend = FastBackend(threads: 2)
            let backbone = MobileNetV2(configuration, layers: LayerFactory(backend: backend, seed: 0))
            let x = backend.makeTensor(shape: [1, size, size, 3], repeating: 1)
            let features = backbone.features(x, in: InferenceContext(backend: backend))
            #expect(features.taps.map { $0.shape[3] } == backbone.tapChannels)
            #expect(features.output.shape[3] == backbone.outputChannels)
            return features.taps.map(\.shape)
        }
        #expect(try shapes(448) { _ in } == [[1, 56, 56, 32], [1, 28, 28, 96], [1, 14, 14, 1280]])
        #expect(
            try shapes(64) {
                $0.taps = [3, 10, 17]; $0.width = 0.5
            } == [[1, 16, 16, 16], [1, 4, 4, 32], [1, 2, 2, 160]])
        #expect(try shapes(32) { $0.stemStride = 1 } == [[1, 8, 8, 32], [1, 4, 4, 96], [1, 2, 2, 1280]])
    }

    @Test func configurationsAreCheckedAndTravelAsJSON() throws {
        func refused(_ change: (inout NetworkConfiguration) -> Void) -> NetworkConfigurationError? {
            var configuration = NetworkConfiguration(classCount: 10)
            change(&configuration)
            do throws(NetworkConfigurationError) { try configuration.validate() } catch { return error }
            return nil
        }
        #expect(refused { _ in } == nil)
        #expect(refused { $0.imageSize = 100 } == .imageSize(100))
        #expect(refused { $0.imageSize = 0 } == .imageSize(0))
        #expect(refused { $0.width = .nan } != nil && refused { $0.width = 100 } == .width(100))
        #expect(refused { $0.classCount = 1 } == .classCount(1))
        #expect(refused { $0.taps = [6, 13] } == .taps([6, 13]))
        #expect(refused { $0.taps = [6, 13, 19] } == .taps([6, 13, 19]))
        #expect(refused { $0.taps = [13, 6, 18] } == .taps([13, 6, 18]))
        #expect(refused { $0.stemStride = 3 } != nil && refused { $0.headFeatures = 0 } != nil)
        #expect(refused { $0.batchNormEpsilon = .infinity } != nil && refused { $0.batchNormMomentum = 0 } != nil)
        var configuration = NetworkConfiguration(classCount: 7)
        configuration.padding = .tensorflow
        configuration.heads = .separable
        let data = try JSONEncoder().encode(configuration)
        #expect(try JSONDecoder().decode(NetworkConfiguration.self, from: data) == configuration)
        #expect(String(decoding: data, as: UTF8.self).contains("\"method\":\"rmg-pmsi\""))
    }
}
