// tiny infer: numbers in, numbers out, for comparison with anything. An ONNX file takes float N×3×H×W, normalized as
// its network expects; a .tiny file takes the pixels, uint8 N×H×W×3. Both give float logits N×C. The file's first bytes
// say which it is; its name decides only where they do not, so that a damaged .tiny model is called that.

import ArgumentParser
import Converter
import Foundation
import ModelGraph
import Tensors
import TinyRuntime

struct Infer: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a model on numbers in an .npy file.",
        discussion: """
            An ONNX model takes float32 N×C×H×W, already normalized; a .tiny model takes uint8 N×H×W×3, the pixels themselves.
            The output is float32 N×classes: logits.

              tiny infer model.onnx --input x.npy --output y.npy
              tiny infer model.tiny --input pixels.npy --output y.npy --isa plain
            """)

    @Argument(help: ArgumentHelp("An ONNX or .tiny file.", valueName: "model"))
    var model: String
    @Option(name: .shortAndLong, help: ArgumentHelp("Numbers to run on.", valueName: "x.npy"))
    var input: String
    @Option(name: .shortAndLong, help: ArgumentHelp("Where the logits are written.", valueName: "y.npy"))
    var output: String
    @Option(help: "Kernels for a .tiny model; all give the same numbers. Default: the fastest that this processor has.")
    var isa: InstructionSet?
    @Option(help: ArgumentHelp("Threads for an ONNX model. Default: all cores.", valueName: "n"))
    var threads: Int?

    func validate() throws {
        guard (1...1024).contains(threads ?? 1) else { throw ValidationError("--threads must be from 1 to 1024") }
        if let isa, !isa.isAvailable {
            throw ValidationError("--isa \(isa.defaultValueDescription): this processor or this build does not have it")
        }
    }

    func run() throws {
        let bytes = try FileContents.read(model)
        let array = try FileContents.read(input) { try NPY(data: $0) }
        let isEdgeModel = EdgeModelFile.hasMagic(bytes) || model.lowercased().hasSuffix(".tiny")
        let logits = isEdgeModel ? try runEdgeModel(bytes, on: array) : try runGraph(bytes, on: array)
        try FileContents.write(logits.data(), to: output)
    }

    private func runGraph(_ bytes: Data, on array: NPY) throws -> NPY {
        guard isa == nil else { throw ValidationError("--isa is for .tiny models") }
        let backend = FastBackend(threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
        let graph = try GraphFile.load(model, data: bytes)
        let interpreter = try naming(model) { try FloatInterpreter(graph, backend: backend) }
        let size = [interpreter.graph.input.channels, interpreter.graph.input.height, interpreter.graph.input.width]
        guard case .float32(let shape, let values) = array, shape.count == 4, shape[1...] == size[...], shape[0] > 0
        else {
            throw wrongInput("float32 N×\(size[0])×\(size[1])×\(size[2])", array)
        }
        // Batch by batch, so that a large input does not hold every edge of every photo in memory.
        var logits: [Float] = []
        let count = size[0] * size[1] * size[2]
        let batch = 16
        for first in stride(from: 0, to: shape[0], by: batch) {
            let photos = min(batch, shape[0] - first)
            let pixels = Self.channelsLast(values[first * count..<(first + photos) * count], photos: photos, size)
            logits += interpreter.run(backend.makeTensor(shape: [photos, size[1], size[2], size[0]], values: pixels))
                .array()
        }
        return .float32(shape: [shape[0], logits.count / shape[0]], values: logits)
    }

    private func runEdgeModel(_ bytes: Data, on array: NPY) throws -> NPY {
        guard threads == nil else { throw ValidationError("--threads is for ONNX models; a .tiny model runs on one") }
        let session = try naming(model) {
            try Session(model: bytes.withUnsafeBytes { try Model(copying: $0) }, instructionSet: isa ?? .best)
        }
        let edge = session.model.edge
        let size = [edge.inputHeight, edge.inputWidth, 3]
        guard case .uint8(let shape, let values) = array, shape.count == 4, shape[1...] == size[...], shape[0] > 0
        else {
            throw wrongInput("uint8 N×\(size[0])×\(size[1])×3", array)
        }
        var logits: [Float] = []
        for photo in 0..<shape[0] {
            _ = session.input.update(
                fromContentsOf: values[photo * session.input.count..<(photo + 1) * session.input.count])
            session.run()
            logits += (0..<edge.classCount).map { session.logit($0) }
        }
        return .float32(shape: [shape[0], edge.classCount], values: logits)
    }

    private func naming<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        do { return try body() } catch { throw FileError.unreadable(path: path, reason: "\(error)") }
    }

    private func wrongInput(_ wanted: String, _ array: NPY) -> FileError {
        let (type, shape) =
            switch array {
            case .float32(let shape, _): ("float32", shape)
            case .uint8(let shape, _): ("uint8", shape)
            }
        return .unreadable(
            path: input,
            reason:
                "it holds \(type) \(shape.map(String.init).joined(separator: "×")), \(model) takes \(wanted) with N at least 1"
        )
    }

    /// N C H W → N H W C.
    private static func channelsLast(_ values: ArraySlice<Float>, photos: Int, _ size: [Int]) -> [Float] {
        let (channels, pixels) = (size[0], size[1] * size[2])
        return [Float](unsafeUninitializedCapacity: values.count) { buffer, initialized in
            values.withUnsafeBufferPointer { source in
                for photo in 0..<photos {
                    for channel in 0..<channels {
                        for pixel in 0..<pixels {
                            buffer[(photo * pixels + pixel) * channels + channel] =
                                source[(photo * channels + channel) * pixels + pixel]
                        }
                    }
                }
            }
            initialized = values.count
        }
    }
}
