// Weights in a file beside the model: only inside its folder, only what is there, not more than there is. The model is
// Goldens/dialects/external-data.onnx; its paths are changed byte by byte to others of the same length.

import Foundation
import ModelGraph
import Testing

final class ONNXExternalDataTests {
    static let name = "external-data.onnx.data"
    let folder: URL
    let outside: URL
    let model: Data
    let weights: Data

    init() throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        folder = root.appendingPathComponent("model")
        outside = root.appendingPathComponent(Self.name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let goldens = ONNXFiles.folder.appendingPathComponent("dialects")
        model = try Data(contentsOf: goldens.appendingPathComponent("external-data.onnx"))
        weights = try Data(contentsOf: goldens.appendingPathComponent(Self.name))
        try weights.write(to: outside)
    }

    deinit { try? FileManager.default.removeItem(at: folder.deletingLastPathComponent()) }

    private func reason(_ model: Data) throws -> String? {
        let path = folder.appendingPathComponent("model.onnx")
        try model.write(to: path)
        do {
            _ = try FloatGraph(onnxAt: path.path)
            return nil
        } catch FileError.unreadable(let found, let reason) {
            #expect(found == path.path)
            return reason
        }
    }

    private func replacing(_ text: String, with other: String) throws -> Data {
        #expect(text.utf8.count == other.utf8.count)
        var data = model
        while let range = data.range(of: Data(text.utf8)) { data.replaceSubrange(range, with: Data(other.utf8)) }
        #expect(data != model)
        return data
    }

    private var inside: URL { folder.appendingPathComponent(Self.name) }

    @Test func readsWhatLiesBeside() throws {
        try weights.write(to: inside)
        #expect(try reason(model) == nil)
    }

    @Test func readsThroughALinkInsideTheFolder() throws {
        try weights.write(to: folder.appendingPathComponent("w"))
        try FileManager.default.createSymbolicLink(atPath: inside.path, withDestinationPath: "w")
        #expect(try reason(model) == nil)
    }

    @Test(arguments: [
        "/xternal-data.onnx.data", "../ernal-data.onnx.data", "a/../rnal-data.onnx.dat", "x/../../nal-data.onnx.x",
    ])
    func refusesPathsThatLeaveTheFolder(path: String) throws {
        try weights.write(to: inside)
        let reason = try reason(replacing(Self.name, with: path))
        #expect(
            reason?.hasSuffix("its file '\(path)' is not a path relative to the model's folder that stays inside it")
                == true)
    }

    @Test func refusesALinkOutOfTheFolder() throws {
        try FileManager.default.createSymbolicLink(at: inside, withDestinationURL: outside)
        #expect(try reason(model)?.hasSuffix("that stays inside it") == true)
    }

    @Test func refusesAFolderLinkedIn() throws {
        // "d/xternal…": d leads out of the folder.
        let path = "d/ternal-data.onnx.data"
        try weights.write(to: outside.deletingLastPathComponent().appendingPathComponent("ternal-data.onnx.data"))
        try FileManager.default.createSymbolicLink(
            at: folder.appendingPathComponent("d"), withDestinationURL: outside.deletingLastPathComponent())
        #expect(try reason(replacing(Self.name, with: path))?.hasSuffix("that stays inside it") == true)
    }

    @Test func refusesAMissingFile() throws {
        #expect(try reason(model)?.hasSuffix("its file '\(Self.name)' is not there: put it beside the model") == true)
    }

    @Test func refusesWhatIsNoFile() throws {
        #expect(mkfifo(inside.path, 0o600) == 0)
        #expect(try reason(model)?.hasSuffix("its file '\(Self.name)' is not a regular file") == true)
    }

    @Test func refusesAFileThatIsTooShort() throws {
        try weights.dropLast(1).write(to: inside)
        let reason = try #require(try reason(model))
        #expect(reason.hasSuffix("of '\(Self.name)', which has \(weights.count - 1)"))
    }

    @Test func refusesOffsetsThatOverlap() throws {
        // Every offset becomes 0, so that a few bytes would be read again and again.
        try weights.write(to: inside)
        var data = model
        var place = data.startIndex
        var changed = 0
        // Entry: key "offset" (field 1, 6 bytes), value (field 2).
        while let range = data.range(of: Data([0x0A, 6] + "offset".utf8 + [0x12]), in: place..<data.endIndex) {
            let count = Int(data[range.upperBound])
            for index in 0..<count { data[range.upperBound + 1 + index] = UInt8(ascii: "0") }
            place = range.upperBound
            changed += 1
        }
        #expect(changed > 3)
        // The file is cut to its largest tensor, which then still fits.
        try weights.prefix(2400).write(to: inside)
        let reason = try #require(try reason(data))
        #expect(reason.contains("overlaps those of other tensors"))
    }

    @Test func refusesNumbersThatAreNone() throws {
        try weights.write(to: inside)
        var data = model
        let range = try #require(data.range(of: Data([0x0A, 6] + "length".utf8 + [0x12])))
        data[range.upperBound + 1] = UInt8(ascii: "-")
        #expect(try reason(data)?.contains("' is not a number of bytes") == true)
    }

    @Test func refusesExternalDataWithoutAPath() throws {
        try weights.write(to: inside)
        #expect(throws: ONNXError.self) { try FloatGraph(onnx: model) }
    }
}
