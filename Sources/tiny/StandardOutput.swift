// StandardOutput: results that must not be lost in silence: a full disk is an error, as it is for any other output.

import Foundation
import ModelGraph
import TinyRuntime

enum StandardOutput {
    /// - Throws: `FileError.notWritten`
    static func write(_ text: TextBytes) throws { try write(bytes: Data(text.bytes)) }

    /// - Throws: `FileError.notWritten`
    static func write(line: String) throws { try write(bytes: Data((line + "\n").utf8)) }

    private static func write(bytes: Data) throws {
        do {
            try FileHandle.standardOutput.write(contentsOf: bytes)
        } catch {
            throw FileError.notWritten(path: "standard output", reason: error.localizedDescription)
        }
    }
}
