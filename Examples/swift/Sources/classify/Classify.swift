// classify: RGB pixels to labels, from Swift. The pixels come from a PPM file (P6), which needs no decoder.
//
//     swift run -c release classify birds.tiny garden.ppm

import Foundation
import TinyRuntime

@main
enum Classify {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else {
            complain("usage: classify MODEL.tiny PHOTO.ppm")
            exit(64)
        }
        do {
            let file = try Data(contentsOf: URL(fileURLWithPath: arguments[1]))
            let session = try Session(model: try file.withUnsafeBytes { bytes in try Model(copying: bytes) })
            let photo = try PixelMap(Data(contentsOf: URL(fileURLWithPath: arguments[2])))
            try print(classify(photo, with: session))
        } catch {
            complain("classify: \(error)")
            exit(65)
        }
    }

    private static func classify(_ photo: PixelMap, with session: Session) throws -> String {
        let edge = session.model.edge
        let preprocessor = try ImagePreprocessor(edge.preprocessing, sourceWidth: photo.width, sourceHeight: photo.height)
        photo.pixels.withUnsafeBufferPointer { pixels in
            guard let source = pixels.baseAddress, let input = session.input.baseAddress else { return }
            preprocessor.run(source: source, sourceRowBytes: 3 * photo.width, output: input)
        }
        session.run()
        let (predictions, rejected) = session.classify(top: 3)
        let lines = predictions.map { prediction in
            let label = String(decoding: edge.label(prediction.index), as: UTF8.self)
            return String(format: "%8.2f %%  ", 100 * prediction.probability) + label
        }
        return (rejected ? ["rejected"] + lines : lines).joined(separator: "\n")
    }

    private static func complain(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}

/// A binary PPM with one byte a sample and no comments.
struct PixelMap {
    let width, height: Int
    /// height × width × 3
    let pixels: [UInt8]

    struct Unreadable: Error {}

    init(_ file: Data) throws {
        let header = file.split(maxSplits: 4, omittingEmptySubsequences: false) { [0x0A, 0x20].contains($0) }
        guard header.count == 5, header[0].elementsEqual("P6".utf8), header[3].elementsEqual("255".utf8),
            let width = Int(String(decoding: header[1], as: UTF8.self)),
            let height = Int(String(decoding: header[2], as: UTF8.self)),
            (1...16384).contains(width), (1...16384).contains(height), header[4].count == 3 * width * height
        else { throw Unreadable() }
        (self.width, self.height, pixels) = (width, height, Array(header[4]))
    }
}
