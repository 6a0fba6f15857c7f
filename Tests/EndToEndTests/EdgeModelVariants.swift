// EdgeModelVariants: a `.tiny` file's bytes with something else in them and a checksum that fits again.

import Foundation
import TinyRuntime

enum EdgeModelVariants {
    static func changed(_ model: Data, checksumFits: Bool = true, _ change: (inout Data) -> Void) -> Data {
        var data = model
        change(&data)
        guard checksumFits else { return data }
        let field = ModelLayout.Header.checksum
        data.replaceSubrange(field..<field + 8, with: [UInt8](repeating: 0, count: 8))
        let hash = data.withUnsafeBytes { XXH64.hash($0) }
        data.replaceSubrange(field..<field + 8, with: withUnsafeBytes(of: hash.littleEndian) { Array($0) })
        return data
    }

    /// A sound model that is another one: its rejection threshold differs.
    static func withThreshold(_ model: Data, _ threshold: Float) -> Data {
        changed(model) { data in
            let field = ModelLayout.Header.rejectionThreshold
            data.replaceSubrange(field..<field + 4, with: withUnsafeBytes(of: threshold.bitPattern.littleEndian) { Array($0) })
        }
    }

    static func newerVersion(_ model: Data) -> Data { changed(model) { $0[ModelLayout.Header.version] = 200 } }

    static func unknownOp(_ model: Data) -> Data {
        changed(model) { data in
            let section = ModelLayout.Header.sections + 16 * ModelLayout.Section.ops.rawValue
            let offset = (0..<8).reduce(0) { $0 | Int(data[section + $1]) << (8 * $1) }
            data[offset + ModelLayout.OpRecord.code] = 200
        }
    }

    /// The last op's stored hash is another one: valid as a file, wrong as a self-test.
    static func failingSelfTest(_ model: Data) -> Data {
        changed(model) { data in
            let section = ModelLayout.Header.sections + 16 * ModelLayout.Section.selfTest.rawValue
            let offset = (0..<8).reduce(0) { $0 | Int(data[section + $1]) << (8 * $1) }
            let count = (0..<4).reduce(0) { $0 | Int(data[ModelLayout.Header.opCount + $1]) << (8 * $1) }
            data[offset + ModelLayout.SelfTest.opHashes + 8 * (count - 1)] ^= 1
        }
    }
}
