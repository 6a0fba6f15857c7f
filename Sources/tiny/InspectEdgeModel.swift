// InspectEdgeModel: the part of `tiny inspect` that is about `.tiny` files.

import Converter
import Foundation
import TinyRuntime

enum InspectEdgeModel {
    /// Prints on standard output: a table, or with `json` one object on a line.
    ///
    /// - Throws: `FileError`, with the path.
    static func run(path: String, json: Bool) throws {
        let model = try EdgeModelFile.load(path)
        let report = try Report(path, model)
        if json {
            try StandardOutput.write(line: JSONLine.text(report))
        } else {
            try StandardOutput.write(line: report.lines.joined(separator: "\n"))
        }
    }

    /// Field names as they stand in the JSON.
    private struct Report: Encodable {
        struct Op: Encodable {
            var op: String
            var inputs: [Int]
            var output: Int
            var output_shape: [Int]
            /// height, width
            var kernel: [Int]?
            var stride: [Int]?
            /// top, bottom, left, right
            var pads: [Int]?
            var multiply_adds: UInt64
            var constant_bytes: UInt64
            /// The place of the output; nil inside a block, where it has none.
            var arena_offset: Int?
            /// How many ops from this one on run as one, in strips; nil where they do not.
            var block_length: Int?
            var output_scale: Float
            var output_zero_point: Int
        }
        struct Preprocessing: Encodable {
            var resize_mode: String
            var filter: String
            var decode_scaling: Bool
            var resize_width: Int
            var resize_height: Int
            var crop_width: Int
            var crop_height: Int
        }
        var file: String
        var format = "tiny"
        var format_version: Int
        var file_bytes: Int
        var checksum: String
        var input_shape: [Int]
        var classes: Int
        var labels: [String]
        var temperature: Float
        var rejection_threshold: Float
        var preprocessing: Preprocessing
        /// As `tiny convert --contract` takes it. Mean and deviation are not in a .tiny file: they went into its weights.
        var contract: PhotoContract
        var multiply_adds: UInt64
        /// Activations alone, and what a session needs with this processor's kernels.
        var activation_bytes: Int
        var arena_bytes: Int
        var isa: String
        var ops: [Op]

        init(_ path: String, _ model: Model) throws {
            let edge = model.edge
            file = path
            format_version = edge.version
            file_bytes = edge.fileBytes.count
            checksum = String(format: "%016lx", edge.checksum)
            input_shape = [edge.inputHeight, edge.inputWidth, 3]
            classes = edge.classCount
            labels = EdgeModelFile.labels(edge)
            temperature = edge.temperature
            rejection_threshold = edge.rejectionThreshold
            let contract = edge.preprocessing
            preprocessing = Preprocessing(
                resize_mode: contract.resizeMode == .squash ? "squash" : "short-side",
                filter: contract.filter == .bilinear ? "bilinear" : "bicubic", decode_scaling: contract.decodeScaling,
                resize_width: contract.resizeWidth, resize_height: contract.resizeHeight,
                crop_width: contract.cropWidth,
                crop_height: contract.cropHeight)
            self.contract = PhotoContract(contract)
            if !labels.isEmpty { self.contract.labels = labels }
            activation_bytes = edge.arenaBytes
            arena_bytes = try Session.arenaBytes(for: model)
            isa = InstructionSet.best.name.text
            ops = edge.ops.map { op in
                let output = edge.tensors[op.output]
                let hasWindow = op.kernelHeight > 0
                return Op(
                    op: "\(op.code)", inputs: (0..<op.inputCount).map { op.input($0) }, output: op.output,
                    output_shape: [output.height, output.width, output.channels],
                    kernel: hasWindow ? [op.kernelHeight, op.kernelWidth] : nil,
                    stride: hasWindow ? [op.strideHeight, op.strideWidth] : nil,
                    pads: hasWindow ? [op.padTop, op.padBottom, op.padLeft, op.padRight] : nil,
                    multiply_adds: op.multiplyAdds(edge.tensors), constant_bytes: op.constantBytes(edge.tensors),
                    arena_offset: output.isInterior ? nil : output.arenaOffset,
                    block_length: op.blockLength > 0 ? op.blockLength : nil, output_scale: output.quantization.scale,
                    output_zero_point: Int(output.quantization.zeroPoint))
            }
            multiply_adds = ops.reduce(0) { $0 + $1.multiply_adds }
        }

        var lines: [String] {
            let lines = [
                "\(file): .tiny version \(format_version), \(file_bytes) bytes, checksum \(checksum)",
            ] + contract.lines + [
                "pixels   as they are: mean and std are in the first convolution's weights",
                "classes  \(classes)\(labels.isEmpty ? ", without labels" : "")",
                "answer   temperature \(temperature), "
                    + (rejection_threshold > 0 ? "rejected below \(rejection_threshold)" : "never rejected"),
                "memory   \(activation_bytes) bytes of activations, \(arena_bytes) with what the \(isa) kernels keep beside them",
                "\(ops.count) ops, \(ops.count { $0.block_length != nil }) blocks of them run in strips, \(multiply_adds) multiply-adds a photo",
                "",
            ]
            var table = TextTable([
                ("", true), ("op", false), ("inputs", false), ("output", false), ("shape", false), ("kernel", false),
                ("MACs", true), ("bytes", true), ("arena", true),
            ])
            for (index, op) in ops.enumerated() {
                let window = zip(op.kernel ?? [], op.stride ?? []).map { ($0, $1) }
                let kernel =
                    window.count == 2
                    ? "\(window[0].0)×\(window[1].0)" + (window[0].1 * window[1].1 > 1 ? " /\(window[0].1)" : "") : ""
                table.append([
                    String(index), op.op, op.inputs.map(String.init).joined(separator: " "), String(op.output),
                    op.output_shape.map(String.init).joined(separator: "×"), kernel, String(op.multiply_adds),
                    String(op.constant_bytes), op.arena_offset.map(String.init) ?? "in block",
                ])
            }
            return lines + table.lines
        }
    }
}
