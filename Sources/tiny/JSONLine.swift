// JSONLine: one object on one line, as every command's `--json` prints it: keys sorted, so that equal results are equal text.
// Left out: `tiny classify`, which shares its words with the device's command (TinyRuntime's TextBytes).

import Foundation

enum JSONLine {
    static func text(_ object: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(object), as: UTF8.self)
    }
}
