// LoopSupport: small folders of photos for the loop's tests. PPM holds pixels as they are, so expected values can be computed.

import Foundation
import ImageCodec

/// A folder that goes away with the test.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "tiny-loop-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ data: Data, to name: String) throws {
        let file = path + "/" + name
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try data.write(to: URL(fileURLWithPath: file))
    }

    func writePPM(_ name: String, width: Int = 8, height: Int = 6, seed: Int = 0) throws {
        try write(
            Data(ppm(width: width, height: height, pixels: noise(width: width, height: height, seed: seed))), to: name)
    }

    func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: path + "/" + name, withIntermediateDirectories: true)
    }
}

func ppm(width: Int, height: Int, pixels: [UInt8]) -> [UInt8] { Array("P6\n\(width) \(height)\n255\n".utf8) + pixels }

/// Pixels that differ from place to place and from seed to seed.
func noise(width: Int, height: Int, seed: Int) -> [UInt8] {
    (0..<width * height * 3).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761 &+ seed &* 40503) >> 7) }
}

/// A small run's request: 2 classes of 32×32 photos, the smallest network that the method allows.
func makePhotos(_ folder: TemporaryFolder, perClass: Int = 6, validation: Int = 3) throws {
    for label in 0..<2 {
        for photo in 0..<perClass + validation {
            let part = photo < perClass ? "train" : "val"
            // Classes differ in brightness, so that there is something to learn.
            let pixels = noise(width: 40, height: 36, seed: 10 * photo + label).map { $0 / 2 + UInt8(label) * 96 }
            try folder.write(
                Data(ppm(width: 40, height: 36, pixels: pixels)), to: "photos/\(part)/class\(label)/\(photo).ppm")
        }
    }
}

/// A value that several closures share.
final class Shared<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var stored: Value
    init(_ value: Value) { stored = value }
    var value: Value {
        get { lock.withLock { stored } }
        set { lock.withLock { stored = newValue } }
    }
}
