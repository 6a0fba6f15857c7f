// GraphFile: an ONNX file for whichever command takes one. What the reader left out or changed is said on standard error.

import Foundation
import ModelGraph

enum GraphFile {
    /// - Parameter data: the file's bytes, where they are there already.
    /// - Throws: `FileError`, with the path.
    static func load(_ path: String, data: Data? = nil) throws -> FloatGraph {
        let graph: FloatGraph
        if let data {
            do {
                graph = try FloatGraph(onnx: data, folder: (path as NSString).deletingLastPathComponent)
            } catch {
                throw FileError.unreadable(path: path, reason: "\(error)")
            }
        } else {
            graph = try FloatGraph(onnxAt: path)
        }
        for note in graph.notes { FileHandle.standardError.write(Data("\(path): \(note)\n".utf8)) }
        return graph
    }
}
