// EvaluatedModel: the three kinds of model behind one question: the logits of photos. A .tiny file runs on the device's runtime, an ONNX
// file and a checkpoint as float graphs.

import Converter
import Foundation
import ImageCodec
import ModelGraph
import Tensors
import TinyRuntime
import Trainer

struct EvaluatedModel {
    let labels: [String]
    let preprocessing: Preprocessing
    /// Of the softmax; 1 for float models.
    let temperature: Float
    private let kind: Kind

    private enum Kind {
        case edge(Model)
        case float(FloatInterpreter, Normalization, FastBackend)
    }

    static let accepted = ["tiny", "onnx", "safetensors"]

    /// - Parameter threads: Of the float engine.
    init(path: String, threads: Int) throws {
        let backend = FastBackend(threads: threads)
        switch (path as NSString).pathExtension.lowercased() {
        case "onnx":
            let graph = try GraphFile.load(path)
            do {
                self = try Self.float(graph, backend)
            } catch {
                throw FileError.unreadable(path: path, reason: "\(error)")
            }
        case "safetensors":
            let checkpoint = try Checkpoint(path: path)
            let network = try checkpoint.makeNetwork(backend: backend, path: path)
            self = try Self.float(
                GraphExporter.graph(of: network, name: "tiny", metadata: checkpoint.metadata), backend)
        default:
            let model = try EdgeModelFile.load(path)
            let edge = model.edge
            guard edge.labelCount == edge.classCount else {
                throw FileError.unreadable(
                    path: path, reason: "\(edge.labelCount) labels for \(edge.classCount) classes")
            }
            labels = EdgeModelFile.labels(edge)
            preprocessing = edge.preprocessing
            temperature = edge.temperature
            kind = .edge(model)
        }
    }

    private init(labels: [String], preprocessing: Preprocessing, temperature: Float, kind: Kind) {
        self.labels = labels
        self.preprocessing = preprocessing
        self.temperature = temperature
        self.kind = kind
    }

    private static func float(_ graph: FloatGraph, _ backend: FastBackend) throws -> EvaluatedModel {
        let metadata = try ModelMetadata(properties: graph.metadata)
        return EvaluatedModel(
            labels: metadata.labels, preprocessing: metadata.preprocessing, temperature: 1,
            kind: .float(
                try FloatInterpreter(graph, backend: backend),
                Normalization(mean: metadata.mean, standardDeviation: metadata.standardDeviation), backend))
    }

    /// What became of one photo.
    enum Outcome: Sendable {
        case logits([Float])
        /// It could not be decoded.
        case skipped(reason: String)
    }

    /// Answers for photos, in their order, decoded on `workers` threads.
    func run(on paths: [String], workers: Int, each: (Int, Outcome) throws -> Void) throws {
        switch kind {
        case .edge(let model): try runEdge(model, paths, workers, each)
        case .float(let interpreter, let normalization, let backend):
            try runFloat(interpreter, normalization, backend, paths, workers, each)
        }
    }

    private func runEdge(
        _ model: Model, _ paths: [String], _ workers: Int, _ each: (Int, Outcome) throws -> Void
    ) throws {
        let sessions = SessionPool(model)
        let preprocessing = preprocessing
        let outcomes = Prefetcher<Outcome>(count: paths.count, workers: workers, ahead: 4 * workers) { index in
            switch Self.pixels(paths[index], preprocessing) {
            case .failure(let error): .skipped(reason: error.reason)
            case .success(let pixels):
                try sessions.use { session in
                    _ = session.input.update(fromContentsOf: pixels)
                    session.run()
                    return .logits((0..<model.edge.classCount).map { session.logit($0) })
                }
            }
        }
        var index = 0
        while let outcome = try outcomes.next() {
            try each(index, outcome)
            index += 1
        }
    }

    private func runFloat(
        _ interpreter: FloatInterpreter, _ normalization: Normalization, _ backend: FastBackend, _ paths: [String],
        _ workers: Int, _ each: (Int, Outcome) throws -> Void
    ) throws {
        let preprocessing = preprocessing
        let batchSize = 16
        let photos = Prefetcher<[Result<[UInt8], BadPhoto>]>(
            count: (paths.count + batchSize - 1) / batchSize, workers: workers, ahead: workers + 1
        ) { batch in
            paths[batch * batchSize..<min((batch + 1) * batchSize, paths.count)].map { Self.pixels($0, preprocessing) }
        }
        var index = 0
        while let batch = try photos.next() {
            let good = batch.compactMap { try? $0.get() }
            var logits: [[Float]] = []
            if !good.isEmpty {
                let answer = interpreter.run(
                    normalization.tensor(
                        pixels: good.flatMap { $0 }, count: good.count, height: preprocessing.cropHeight,
                        width: preprocessing.cropWidth, backend: backend))
                let classes = answer.count / good.count
                let values = answer.array()
                logits = good.indices.map { Array(values[$0 * classes..<($0 + 1) * classes]) }
            }
            var answered = 0
            for photo in batch {
                switch photo {
                case .failure(let error): try each(index, .skipped(reason: error.reason))
                case .success:
                    try each(index, .logits(logits[answered]))
                    answered += 1
                }
                index += 1
            }
        }
    }

    private struct BadPhoto: Error { var reason: String }

    private static func pixels(_ path: String, _ preprocessing: Preprocessing) -> Result<[UInt8], BadPhoto> {
        do throws(ImageError) {
            return .success(
                try ImageFile.decode(path: path, for: preprocessing).preprocessed(by: preprocessing).pixels)
        } catch {
            return .failure(BadPhoto(reason: "\(error.underlying)"))
        }
    }
}
