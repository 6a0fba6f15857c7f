// RunFolder: where a run's files lie.

import Foundation
import ModelGraph

package struct RunFolder: Sendable, Equatable {
    package let path: String

    package init(_ path: String) { self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path }

    /// After the last finished epoch: what --resume goes on from.
    package var last: String { path + "/last.safetensors" }
    /// Of the epoch with the highest validation top-1.
    package var best: String { path + "/best.safetensors" }
    package var onnx: String { path + "/model.onnx" }
    package var log: String { path + "/log.csv" }

    package var holdsRun: Bool {
        [last, best, onnx, log].contains { FileManager.default.fileExists(atPath: $0) }
    }

    package var canResume: Bool { FileManager.default.fileExists(atPath: last) }

    /// - Throws: `FileError.notWritten`.
    package func create() throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            let reason = ((error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError)?.localizedDescription
            throw FileError.notWritten(path: path, reason: reason ?? "the folder could not be made")
        }
    }
}
