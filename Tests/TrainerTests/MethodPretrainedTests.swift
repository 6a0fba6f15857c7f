// The shipped backbone: our network with models/mobilenetv2-pretrained-160.safetensors gives the taps of the Keras
// network it came from, and a loader that says what it did.

import Foundation
import ModelGraph
import Tensors
import TestSupport
import Testing
import Trainer

@Suite struct MethodPretrainedTests {
    static let path = Golden.repository.appendingPathComponent("models/mobilenetv2-pretrained-160.safetensors").path

    /// The formula of tools/goldens/keras_backbone.py, scaled as the weights want it.
    func photo(_ weights: PretrainedWeights, size: Int, backend: any Backend) throws -> Tensor {
        let (mean, deviation) = (try #require(weights.mean), try #require(weights.standardDeviation))
        var values: [Float] = []
        for y in 0..<size {
            for x in 0..<size {
                for c in 0..<3 {
                    let slopes = (x * (c + 1) + 2 * y) % 256
                    let noise = (((y * size + x) * 3 + c) * 2_654_435_761 % (1 << 32)) >> 26
                    values.append((Float(slopes * 3 / 4 + noise) - mean[c]) / deviation[c])
                }
            }
        }
        return backend.makeTensor(shape: [1, size, size, 3], values: values)
    }

    /// The golden is float64 with the file's own float16 kernels: what differs is float32's rounding through 52
    /// convolutions, where Keras's own float32 lies within 5e-5.
    @Test func tapsEqualTheKerasNetworks() throws {
        let backend = FastBackend(threads: 2)
        let weights = try PretrainedWeights(path: Self.path)
        var configuration = NetworkConfiguration(classCount: 12)
        configuration.method = .rmgPMSI
        configuration.imageSize = try #require(weights.imageSize)
        weights.apply(to: &configuration)
        #expect(configuration.padding == .tensorflow && configuration.batchNormEpsilon == 1e-3)
        let network = try configuration.makeNetwork(backend: backend, seed: 1)
        let report = try weights.load(into: network, backend: backend)
        #expect(report.loaded.count == 260 && report.leftOver.isEmpty && report.missingBackbone.isEmpty)
        #expect(report.missingHeads.count == network.parameters.count - 260)

        let layers = LayerFactory(backend: backend, seed: 1)
        let backbone = MobileNetV2(configuration, layers: layers)
        for parameter in layers.parameters {
            parameter.value = try #require(network.parameter(parameter.name)).value
        }
        let input = try photo(weights, size: 160, backend: backend)
        let features = backbone.features(input, in: InferenceContext(backend: backend))
        let golden = try Golden.load("method_keras")
        for (index, tap) in features.taps.enumerated() {
            let expected = try #require(golden["tap.\(index)"])
            #expect(tap.shape == expected.shape)
            let difference = mismatch(tap.array(), expected.values, absolute: 1e-4, relative: 1e-5)
            #expect(difference == nil, "tap \(index): \(difference.map(String.init(describing:)) ?? "")")
        }
    }

    @Test func reportsWhatItDid() throws {
        let backend = PlainBackend()
        let network = try NetworkConfiguration.small(.plain).makeNetwork(backend: backend, seed: 1)
        let first = network.parameters[0]
        let values = (0..<first.value.count).map(Float.init)
        let file = Safetensors(entries: [
            first.name: .init(shape: first.fileShape, values: values),
            "classifier.1.bias": .init(shape: [7], values: [Float](repeating: 1, count: 7)),
            "extra": .init(shape: [1], values: [1]),
            "features.0.1.num_batches_tracked": .init(shape: [], values: [7]),
        ])
        let before = network.parameter("classifier.1.bias")?.value.array()
        let report = try PretrainedWeights(file).load(into: network, backend: backend)
        #expect(report.loaded == [first.name])
        #expect(report.leftOver == ["classifier.1.bias", "extra"])
        #expect(report.missingHeads == ["classifier.1.bias", "classifier.1.weight"])
        #expect(report.missingBackbone.count == 259 && !report.missingBackbone.contains(first.name))
        #expect(first.fileEntry(of: first.value).values == values)
        #expect(network.parameter("classifier.1.bias")?.value.array() == before)
        // O I KH KW in the file, O KH KW I in memory: value (o, ky, kx, i) is number ((o·3 + i)·3 + ky)·3 + kx.
        #expect(first.value.array()[0..<6] == [0, 9, 18, 1, 10, 19])
        #expect(report.description.contains("2 left over in the file: classifier.1.bias, extra"))
    }

    @Test func refusesWhatDoesNotFit() throws {
        let backend = PlainBackend()
        let network = try NetworkConfiguration.small(.plain).makeNetwork(backend: backend, seed: 1)
        let other = try PretrainedWeights(Safetensors(entries: ["conv1.weight": .init(shape: [1], values: [1])]))
        #expect(throws: PretrainedWeightsError.nothingFits) { try other.load(into: network, backend: backend) }
        for (key, value) in [
            ("padding", "same"), ("batch_norm_epsilon", "small"), ("mean", "1,2"), ("std", "1,0,1"), ("mean", "1,x,3"),
            ("image_size", "big"), ("width", ""),
        ] {
            #expect(throws: PretrainedWeightsError.badMetadata(key: key, value: value)) {
                try PretrainedWeights(Safetensors(entries: [:], metadata: [key: value]))
            }
        }
        let infinite = Safetensors(entries: ["features.0.0.weight": .init(shape: [2], values: [1, .infinity])])
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).safetensors").path
        try FileContents.write(infinite.data(), to: path)
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(throws: SafetensorsError.badTensor(name: "features.0.0.weight", reason: "value 1 is inf")) {
            try PretrainedWeights(path: path)
        }
        #expect(throws: FileError.missing(path: "/nonexistent.safetensors")) {
            try PretrainedWeights(path: "/nonexistent.safetensors")
        }
    }

    /// models/README.md names the file with its size.
    @Test func readmeNamesTheFile() throws {
        let readme = try String(
            contentsOf: Golden.repository.appendingPathComponent("models/README.md"), encoding: .utf8)
        let size = try FileContents.read(Self.path).count
        #expect(size == 4_677_080 && readme.contains("4,677,080") && size < 5_000_000)
    }
}
