// tiny inspect: what is in a model file. ONNX files are InspectGraph's, `.tiny` files InspectEdgeModel's.

import ArgumentParser
import Foundation
import ModelGraph

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what is in a model file.",
        discussion: """
            An ONNX model: nodes, shapes, parameters, multiply-adds, metadata. A .tiny model: preprocessing, classes, ops, memory.

              tiny inspect model.onnx
              tiny inspect model.tiny --json
            """)

    @Argument(help: ArgumentHelp("An .onnx or .tiny file.", valueName: "model"))
    var model: String
    @Flag(help: "One object on a line.")
    var json = false

    func run() throws {
        let data = try FileContents.read(model)
        // By the first bytes; the name decides only where they do not, so that a damaged model is called that.
        if EdgeModelFile.hasMagic(data) || model.lowercased().hasSuffix(".tiny") {
            try InspectEdgeModel.run(path: model, json: json)
        } else {
            try InspectGraph.run(path: model, json: json)
        }
    }
}
