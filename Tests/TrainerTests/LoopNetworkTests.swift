// What the loop does with a network: validation, batch norm's re-estimation, checkpoints, export.

import Converter
import Foundation
import ModelGraph
import Tensors
import TestSupport
import Testing
import TinyRuntime
import Trainer

@Suite struct LoopNetworkTests {
    private let backend = PlainBackend()

    private func recipe(
        _ method: NetworkConfiguration.Method, _ change: (inout NetworkConfiguration) -> Void = { _ in }
    ) -> TrainingRecipe {
        var network = NetworkConfiguration(classCount: 3)
        network.method = method
        network.heads = .separable
        network.width = 0.1
        network.imageSize = 32
        network.headFeatures = 8
        network.headEmbedding = 16
        change(&network)
        return TrainingRecipe(network: network)
    }

    /// A network with no value left at its start, averages included: an export that forgot one would show. The averages are first brought to
    /// those of noise, so that something of the photo arrives at the answer.
    private func network(_ recipe: TrainingRecipe) throws -> any Network {
        let network = try recipe.network.makeNetwork(backend: backend, seed: 7)
        var random = RandomStream(key: [99])
        func scaled(_ parameter: Parameter, _ factor: (inout RandomStream) -> Float) {
            let values = parameter.value.array().map { $0 * factor(&random) }
            parameter.value = backend.makeTensor(shape: parameter.value.shape, values: values)
        }
        for parameter in network.parameters where parameter.group != .buffer {
            let shifts = parameter.name.hasSuffix("bias")
            let values = parameter.value.array().map {
                shifts ? $0 + random.uniform() * 0.4 : $0 * (0.8 + random.uniform())
            }
            parameter.value = backend.makeTensor(shape: parameter.value.shape, values: values)
        }
        let noise = backend.makeTensor(
            shape: [4, 32, 32, 3], values: (0..<4 * 32 * 32 * 3).map { _ in random.uniform() * 4 - 2 })
        _ = network.forward(noise, in: InferenceContext(backend: backend, batchNorm: .batchStatistics(momentum: 1)))
        for parameter in network.parameters where parameter.group == .buffer {
            scaled(parameter) { 0.9 + 0.2 * $0.uniform() }
        }
        return network
    }

    private func photos(_ folder: TemporaryFolder, count: Int) throws -> ResizedImages {
        for photo in 0..<count {
            try folder.writePPM("\(photo % 3)/\(photo).ppm", width: 50, height: 45, seed: photo)
        }
        return ResizedImages(
            samples: try ImageFolder(listing: folder.path).samples, preprocessing: recipe(.plain).preprocessing,
            memoryLimit: 1 << 24)
    }

    private func pixels(_ images: ResizedImages, _ indices: [Int]) throws -> Tensor {
        let bytes = try indices.flatMap { try images.centreCrop(at: $0).pixels }
        return Normalization.imageNet.tensor(
            pixels: bytes, count: indices.count, height: 32, width: 32, backend: backend)
    }

    @Test(arguments: ["plain", "separable", "paper", "tensorflow"]) func theExportedGraphComputesTheSame(kind: String)
        throws
    {
        let recipe = recipe(kind == "plain" ? .plain : .rmgPMSI) {
            if kind == "paper" { $0.heads = .paper }
            if kind == "tensorflow" { ($0.padding, $0.batchNormEpsilon) = (.tensorflow, 1e-3) }
        }
        let network = try network(recipe)
        let checkpoint = Checkpoint(
            of: network, recipe: recipe, state: TrainingState(dataHash: ""), labels: ["a", "b", "c"])
        let graph = try GraphExporter.graph(of: network, name: "test", metadata: checkpoint.metadata)
        #expect(try graph.shapes()["logits"] == [3])
        #expect(Set(graph.nodes.map(\.output)).count == graph.nodes.count)
        #expect(try ModelMetadata(properties: graph.metadata) == checkpoint.metadata)

        var random = RandomStream(key: [5])
        let x = backend.makeTensor(
            shape: [2, 32, 32, 3], values: (0..<2 * 32 * 32 * 3).map { _ in random.uniform() * 4 - 2 })
        let expected = network.answer(x, in: InferenceContext(backend: backend)).array()
        #expect(Set(expected).count == 6, "the answers differ: \(expected)")
        // The same ops in the same order on the same backend; only the batch norm's activation is a node of its own.
        let direct = try FloatInterpreter(graph, backend: backend).run(x).array()
        #expect(mismatch(direct, expected, absolute: 1e-5, relative: 1e-5) == nil)
        // And through the file's bytes.
        let read = try FloatGraph(onnx: try graph.onnxData())
        let throughFile = try FloatInterpreter(read, backend: backend).run(x).array()
        #expect(mismatch(throughFile, expected, absolute: 1e-5, relative: 1e-5) == nil)
        #expect(try ModelMetadata(properties: read.metadata) == checkpoint.metadata)
    }

    @Test func validationCountsRightAnswers() throws {
        let folder = try TemporaryFolder()
        let images = try photos(folder, count: 7)
        let network = try network(recipe(.rmgPMSI))
        let result = try #require(
            try Validation.run(
                network, on: images, normalization: .imageNet, batchSize: 3, workers: 2, backend: backend))
        var right = [Int](repeating: 0, count: 5)
        var loss = 0.0
        for index in 0..<7 {
            let x = try pixels(images, [index])
            let context = InferenceContext(backend: backend)
            let heads = network.forward(x, in: context).map { $0.array() } + [network.answer(x, in: context).array()]
            for (head, logits) in heads.enumerated() {
                if logits.enumerated().max(by: { $0.element < $1.element })?.offset == images.samples[index].label {
                    right[head] += 1
                }
            }
            let scores = heads[4].map(Double.init)
            loss += log(scores.reduce(0.0) { $0 + exp($1) }) - scores[images.samples[index].label]
        }
        #expect(result.images == 7)
        #expect(result.headTop1 == right[..<4].map { Double($0) / 7 })
        #expect(result.top1 == Double(right[4]) / 7)
        // Seven float32 losses of size 1, summed in another order.
        #expect(abs(result.loss - loss / 7) < 1e-4)
    }

    @Test func batchNormsAveragesBecomeTheMeanOverAllPhotos() throws {
        let folder = try TemporaryFolder()
        let images = try photos(folder, count: 9)
        var recipe = recipe(.rmgPMSI)
        recipe.batchSize = 4
        let network = try network(recipe)
        let before = Dictionary(uniqueKeysWithValues: network.parameters.map { ($0.name, $0.value.array()) })
        let shown = try BatchNormRecalibration.run(network, on: images, recipe: recipe, workers: 2, backend: backend)
        #expect(shown == 8, "the ninth photo does not fill a batch")
        for parameter in network.parameters where parameter.group != .buffer {
            #expect(parameter.value.array() == before[parameter.name], "\(parameter.name) is not a statistic")
        }
        let changed = network.parameters.filter { $0.group == .buffer && $0.value.array() != before[$0.name] }
        #expect(changed.count == network.parameters.count { $0.group == .buffer })

        // The stem sees nothing but the photos: with one batch of all, its averages are theirs.
        recipe.batchSize = 9
        _ = try BatchNormRecalibration.run(network, on: images, recipe: recipe, workers: 2, backend: backend)
        func value(_ name: String) throws -> Tensor { try #require(network.parameters.first { $0.name == name }).value }
        var window = Window(kernel: 3, stride: 2, pad: 1)
        window.padTop = 1
        let stem = backend.convolution(
            try pixels(images, Array(0..<9)), weight: try value("features.0.0.weight"), bias: nil, window: window,
            groups: 1)
        let channels = stem.shape[3]
        let values = stem.array().map(Double.init)
        for channel in 0..<channels {
            let mine = stride(from: channel, to: values.count, by: channels).map { values[$0] }
            let mean = mine.reduce(0, +) / Double(mine.count)
            let variance = mine.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(mine.count - 1)
            // Float sums of 2304 values of size 1 against double ones.
            #expect(abs(Double(try value("features.0.1.running_mean").array()[channel]) - mean) < 1e-4)
            #expect(
                abs(Double(try value("features.0.1.running_var").array()[channel]) - variance) < 1e-4 * (1 + variance))
        }
        // Two batches: the mean of their means is the mean of all.
        recipe.batchSize = 4
        let eight = ResizedImages(
            samples: Array(images.samples.prefix(8)), preprocessing: images.preprocessing, memoryLimit: 1 << 24)
        _ = try BatchNormRecalibration.run(network, on: eight, recipe: recipe, workers: 2, backend: backend)
        let part = values.prefix(values.count / 9 * 8)
        for channel in 0..<channels {
            let mine = stride(from: channel, to: part.count, by: channels).map { part[$0] }
            let mean = mine.reduce(0, +) / Double(mine.count)
            #expect(abs(Double(try value("features.0.1.running_mean").array()[channel]) - mean) < 1e-4)
        }
    }

    @Test func checkpointsComeBackAsTheyWere() throws {
        let folder = try TemporaryFolder()
        var recipe = recipe(.rmgPMSI)
        recipe.labelSmoothing = 0.1
        recipe.seed = .max
        var state = TrainingState(dataHash: "00ff")
        state.epoch = 5
        state.iteration = 55
        state.best = .init(epoch: 3, top1: 0.1 + 0.2, loss: 1.0 / 3)
        let network = try network(recipe)
        let stepped = network.parameters[0]
        stepped.velocity = backend.makeTensor(
            shape: stepped.value.shape, values: (0..<stepped.value.count).map { Float($0) / 3 })
        let path = folder.path + "/c.safetensors"
        try Checkpoint(of: network, recipe: recipe, state: state, labels: ["ä\"", "b", "c,"]).write(to: path)
        let read = try Checkpoint(path: path)
        #expect(read.recipe == recipe)
        #expect(read.state == state)
        #expect(read.labels == ["ä\"", "b", "c,"])
        let copy = try read.makeNetwork(backend: backend, path: path)
        for (old, new) in zip(network.parameters, copy.parameters) {
            #expect(old.name == new.name && old.value.array() == new.value.array(), "\(old.name)")
            #expect(old.velocity?.array() == new.velocity?.array(), "\(old.name)'s velocity")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["c.safetensors"])
    }

    @Test func damagedCheckpointsAreRefusedWithThePlace() throws {
        let folder = try TemporaryFolder()
        let recipe = recipe(.rmgPMSI)
        let path = folder.path + "/c.safetensors"
        try Checkpoint(
            of: try network(recipe), recipe: recipe, state: TrainingState(dataHash: ""), labels: ["a", "b", "c"]
        ).write(to: path)
        let good = try Safetensors(data: try FileContents.read(path))

        func refusal(_ change: (inout Safetensors) -> Void) throws -> String {
            var file = good
            change(&file)
            try FileContents.write(try file.data(), to: path)
            var text = ""
            let error = #expect(throws: CheckpointError.self) {
                _ = try Checkpoint(path: path).makeNetwork(backend: backend, path: path)
            }
            if let error { text = "\(error)" }
            #expect(text.hasPrefix(path + ":"), "\(text)")
            return text
        }
        #expect(try refusal { $0.entries["features.3.conv.1.0.weight"] = nil }.contains("features.3.conv.1.0.weight"))
        #expect(try refusal { $0.entries["heads.3.0.bias"]?.shape = [1, 48] }.contains("heads.3.0.bias"))
        #expect(try refusal { $0.metadata["tiny.recipe"] = nil }.contains("tiny.recipe"))
        #expect(try refusal { $0.metadata["tiny.state"] = "{" }.contains("tiny.state"))
        #expect(try refusal { $0.metadata["tiny.labels"] = "[\"a\"]" }.contains("1 labels for 3 classes"))
        for (from, to) in [
            ("\"imageSize\":32", "\"imageSize\":33"), ("\"width\":", "\"width\":1e30,\"x\":"),
            ("\"headFeatures\":8", "\"headFeatures\":65536"),
        ] {
            let text = try refusal {
                $0.metadata["tiny.recipe"] = $0.metadata["tiny.recipe"]?.replacingOccurrences(of: from, with: to)
            }
            #expect(!text.isEmpty)
        }
        let whole = try good.data()
        for count in [0, 7, 8, 100, whole.count / 2, whole.count - 1] {
            try FileContents.write(whole.prefix(count), to: path)
            #expect(throws: CheckpointError.self) { try Checkpoint(path: path) }
        }
        #expect(throws: FileError.missing(path: path + "x")) { try Checkpoint(path: path + "x") }
    }
}
