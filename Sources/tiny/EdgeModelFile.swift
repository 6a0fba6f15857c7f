// EdgeModelFile: a `.tiny` model from its path, with errors that name the path.

import Foundation
import ModelGraph
import TinyRuntime

enum EdgeModelFile {
    /// - Throws: `FileError`
    static func load(_ path: String) throws -> Model {
        try FileContents.read(path) { data in try data.withUnsafeBytes { try Model(copying: $0) } }
    }

    static func hasMagic(_ data: Data) -> Bool {
        data.count >= 8 && (0..<8).allSatisfy { data[data.startIndex + $0] == ModelLayout.magic[$0] }
    }

    static func labels(_ edge: EdgeModel) -> [String] {
        (0..<edge.labelCount).map { String(decoding: edge.label($0), as: UTF8.self) }
    }
}

extension StaticString {
    var text: String { withUTF8Buffer { String(decoding: $0, as: UTF8.self) } }
}
