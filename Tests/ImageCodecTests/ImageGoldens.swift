// ImageGoldens: reads what tools/goldens/images.py wrote, and makes the same noise as it does.

import Foundation
import ImageCodec
import Testing

enum ImageGoldens {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Goldens")

    static func records<Record: Decodable>(_ name: String, as type: Record.Type) throws -> [Record] {
        try JSONDecoder().decode([Record].self, from: Data(contentsOf: folder.appendingPathComponent(name)))
    }

    /// An encoded file and the pixels that it must give.
    struct File: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let expected: RGBImage
        var testDescription: String { name }
    }

    struct FileRecord: Decodable {
        var name: String
        var width: Int
        var height: Int
        var offset: Int
        var bytes: Int
    }

    static let files: [File] = {
        guard
            let records = try? records("decode.json", as: FileRecord.self),
            let pack = try? Data(contentsOf: folder.appendingPathComponent("decode.bin"))
        else { return [] }  // the test that counts them fails then
        return records.map { record in
            let end = record.offset + record.bytes
            let pixels = [UInt8](pack[end..<(end + record.width * record.height * 3)])
            return File(
                name: record.name, bytes: [UInt8](pack[record.offset..<end]),
                expected: RGBImage(width: record.width, height: record.height, pixels: pixels))
        }
    }()

    static func file(_ name: String) throws -> [UInt8] {
        guard let file = files.first(where: { $0.name == name }) else { throw CocoaError(.fileNoSuchFile) }
        return file.bytes
    }

    /// The top bytes of SplitMix64's outputs for `seed`, as height × width × 3.
    static func noise(width: Int, height: Int, seed: UInt64, binary: Bool = false) -> RGBImage {
        var random = SplitMix(state: seed)
        let pixels = (0..<(width * height * 3)).map { _ in
            let byte = UInt8(random.next() >> 56)
            return binary ? (byte >= 128 ? 255 : 0) : byte
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    /// CRC-32 as zlib's.
    static func crc32(_ bytes: [UInt8]) -> UInt32 {
        var crc = ~UInt32(0)
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
