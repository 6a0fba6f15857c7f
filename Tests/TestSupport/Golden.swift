// Golden: reference values from a script in tools/goldens, stored as safetensors beside the test that reads them.

import Foundation
import ModelGraph

package enum Golden {
    /// Reads `Goldens/NAME.safetensors` beside the calling test file.
    package static func load(_ name: String, file: String = #filePath) throws -> [String: Safetensors.Entry] {
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("Goldens")
        return try Safetensors(data: Data(contentsOf: folder.appendingPathComponent(name + ".safetensors"))).entries
    }

    /// The repository's root, for samples and models.
    package static var repository: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }
}
