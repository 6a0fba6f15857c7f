// InspectGraph: the part of `tiny inspect` that is about ONNX files: nodes, shapes, parameters, multiply-adds,
// metadata.

import Converter
import Foundation
import ModelGraph

enum InspectGraph {
    /// Prints on standard output: a table, or with `json` one object on a line.
    ///
    /// - Throws: `FileError`, with the path.
    static func run(path: String, json: Bool) throws {
        let graph = try GraphFile.load(path)
        let summary = try GraphSummary(graph)
        print(json ? try jsonText(path, graph, summary) : text(path, graph, summary))
    }

    private static func text(_ path: String, _ graph: FloatGraph, _ summary: GraphSummary) -> String {
        let input = graph.input
        var lines = [
            "\(path): ONNX, float32",
            "input   \(input.name): N × \(input.channels) × \(input.height) × \(input.width)",
            "output  \(graph.output): N × \(summary.rows.last { $0.name == outputNode(graph) }?.outputShape.first ?? 0)",
            "\(graph.nodes.count) nodes, \(summary.parameters) parameters, \(summary.multiplyAdds) multiply-adds a photo",
            "",
        ]
        var table = TextTable([
            ("node", false), ("op", false), ("output", false), ("parameters", true), ("multiply-adds", true),
        ])
        for row in summary.rows {
            table.append([
                row.name, row.op, row.outputShape.map(String.init).joined(separator: "×"), String(row.parameters),
                String(row.multiplyAdds),
            ])
        }
        lines += table.lines
        lines.append("")
        // Ours are said in words below; a thousand labels on a line help nobody.
        let ours = [ModelMetadata.labelsKey, ModelMetadata.preprocessingKey]
        for (key, value) in graph.metadata.sorted(by: { $0.key < $1.key }) where !ours.contains(key) {
            lines.append("\(key) = \(value)")
        }
        switch Result(catching: { try PhotoContract(properties: graph.metadata) }) {
        case .success(let contract):
            lines += contract.lines
            if contract.labels == nil { lines.append("labels   none: give tiny convert --labels or --contract") }
            if contract.mean == nil {
                lines.append("photo    the model does not say how photos become its input: give tiny convert --mean and --std, or --contract")
            }
        case .failure(let error): lines.append("\(error); give it to tiny convert as options (see tiny convert --help)")
        }
        return lines.joined(separator: "\n")
    }

    private static func outputNode(_ graph: FloatGraph) -> String? {
        graph.nodes.first { $0.output == graph.output }?.name
    }

    /// Field names as they stand in the JSON.
    private struct Report: Encodable {
        struct Node: Encodable {
            var name: String
            var op: String
            var inputs: [String]
            var output: String
            var output_shape: [Int]
            var parameters: Int
            var multiply_adds: Int
        }
        var file: String
        var format = "onnx"
        var name: String
        var input: String
        var input_shape: [Int]
        var output: String
        var parameters: Int
        var multiply_adds: Int
        var metadata: [String: String]
        /// As `tiny convert --contract` takes it; null where the metadata is damaged.
        var contract: PhotoContract?
        /// What the reader left out or changed.
        var notes: [String]
        var nodes: [Node]
    }

    private static func jsonText(_ path: String, _ graph: FloatGraph, _ summary: GraphSummary) throws -> String {
        let report = Report(
            file: path, name: graph.name, input: graph.input.name,
            input_shape: [graph.input.channels, graph.input.height, graph.input.width], output: graph.output,
            parameters: summary.parameters, multiply_adds: summary.multiplyAdds, metadata: graph.metadata,
            contract: try? PhotoContract(properties: graph.metadata), notes: graph.notes,
            nodes: zip(graph.nodes, summary.rows).map { node, row in
                .init(
                    name: node.name, op: row.op, inputs: node.inputs, output: node.output,
                    output_shape: row.outputShape,
                    parameters: row.parameters, multiply_adds: row.multiplyAdds)
            })
        return try JSONLine.text(report)
    }
}
