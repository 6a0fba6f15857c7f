// ImageBytes: builds and breaks encoded images for the tests of bad input.

import ImageCodec

enum ImageBytes {
    /// A JPEG marker segment: FF, the marker, the length, the payload.
    static func segment(_ marker: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let length = payload.count + 2
        return [0xFF, marker, UInt8(length >> 8), UInt8(length & 255)] + payload
    }

    /// A start of frame with `components` unsampled components.
    static func frame(_ marker: UInt8 = 0xC0, width: Int, height: Int, components: Int = 1, precision: UInt8 = 8)
        -> [UInt8]
    {
        var payload = [
            precision, UInt8(height >> 8), UInt8(height & 255), UInt8(width >> 8), UInt8(width & 255),
            UInt8(components),
        ]
        for index in 0..<components { payload += [UInt8(index + 1), 0x11, 0] }
        return segment(marker, payload)
    }

    /// A scan header over all components, spectral band and approximation for progressive files.
    static func scan(components: Int = 1, from: UInt8 = 0, to: UInt8 = 63, high: UInt8 = 0, low: UInt8 = 0) -> [UInt8] {
        var payload = [UInt8(components)]
        for index in 0..<components { payload += [UInt8(index + 1), 0x00] }
        return segment(0xDA, payload + [from, to, high << 4 | low])
    }

    /// All quantizers 1, and Huffman tables with one symbol each, 0, coded as the bit 0.
    static let tables: [UInt8] = {
        let one: [UInt8] = [1] + Array(repeating: 0, count: 15) + [0]
        return segment(0xDB, [0] + Array(repeating: 1, count: 64)) + segment(0xC4, [0x00] + one)
            + segment(0xC4, [0x10] + one)
    }()

    /// One grey 8×8 block whose progressive scans all say "nothing new": one for DC, then `acScans` for AC, a
    /// coefficient each and then its refinement, in the order that the standard asks for.
    static func progressive(acScans: Int) -> [UInt8] {
        var bytes: [UInt8] = [0xFF, 0xD8] + tables + frame(0xC2, width: 8, height: 8) + scan(from: 0, to: 0) + [0x7F]
        for index in 0..<acScans {
            let coefficient = UInt8(1 + index % 63)
            let isRefinement = index >= 63
            bytes +=
                scan(from: coefficient, to: coefficient, high: isRefinement ? 1 : 0, low: isRefinement ? 0 : 1) + [0x7F]
        }
        return bytes + [0xFF, 0xD9]
    }

    /// The file with an APP1 segment of this payload after its start marker.
    static func withAPP1(_ payload: [UInt8], in jpeg: [UInt8]) -> [UInt8] {
        Array(jpeg[..<2]) + segment(0xE1, payload) + jpeg[2...]
    }

    /// A PNG with the checksums of its chunks made right again, as far as its lengths make sense.
    static func withRightChecksums(_ png: [UInt8]) -> [UInt8] {
        var png = png
        var at = 8
        while at + 12 <= png.count {
            let length = png[at..<(at + 4)].reduce(0) { $0 << 8 | Int($1) }
            guard length <= png.count - at - 12 else { break }
            let crc = ImageGoldens.crc32(Array(png[(at + 4)..<(at + 8 + length)]))
            for byte in 0..<4 { png[at + 8 + length + byte] = UInt8(truncatingIfNeeded: crc >> UInt32(24 - 8 * byte)) }
            at += 12 + length
        }
        return png
    }
}
