// The files that tools/goldens/onnx_models.py made.

import Foundation
import ModelGraph

enum ONNXFiles {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Goldens")

    static func data(_ name: String) throws -> Data {
        try Data(contentsOf: folder.appendingPathComponent(name + ".onnx"))
    }
    static func graph(_ name: String) throws -> FloatGraph { try FloatGraph(onnx: data(name)) }
}
