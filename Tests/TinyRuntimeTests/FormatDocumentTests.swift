// docs/format.md says the same offsets, codes and limits as ModelLayout.swift.

import Foundation
import Testing
import TinyRuntime

@Suite struct FormatDocumentTests {
    private static let repository = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private struct Row {
        var first: Int
        var type: String
        var name: String
        var text: String
    }

    /// The rows, whose first cell is a number, of the tables under a heading.
    private func rows(under heading: String) throws -> [Row] {
        let page = try String(contentsOf: Self.repository.appendingPathComponent("docs/format.md"), encoding: .utf8)
        let lines = page.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0 == heading }, "\(heading) is missing")
        let rest = lines[(start + 1)...]
        let section = rest[..<(rest.firstIndex { $0.hasPrefix("#") } ?? rest.endIndex)]
        return section.compactMap { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard line.hasPrefix("|"), cells.count >= 3, let first = Int(cells[0]) else { return nil }
            return Row(first: first, type: cells[1], name: cells[2], text: cells.count > 3 ? cells[3] : "")
        }
    }

    private func size(of type: String, opCount: Int = 0) -> Int? {
        let sizes = ["u8": 1, "u16": 2, "u32": 4, "f32": 4, "u64": 8, "(u64, u64)": 16]
        let parts = type.components(separatedBy: " × ")
        if parts.count == 1 { return sizes[type] }
        return (Int(parts[0]) ?? opCount) * (sizes[parts[1]] ?? -1)
    }

    /// The table names each of the constants at its offset, and its fields follow each other without gap from 0 to `bytes`.
    private func check(_ heading: String, _ constants: [String: Int], bytes: Int) throws {
        let rows = try rows(under: heading)
        var end = 0
        for row in rows {
            #expect(row.first == end, "\(heading): \(row.name) at \(row.first), but the field before it ends at \(end)")
            end = row.first + (try #require(size(of: row.type), "\(heading): type \(row.type)"))
            if row.name != "reserved" && row.name != "magic" {
                #expect(constants[row.name] == row.first, "\(heading): \(row.name)")
            }
        }
        #expect(end == bytes, "\(heading) ends at \(end)")
        #expect(
            Set(constants.keys).isSubset(of: rows.map(\.name)),
            "\(heading): \(constants.keys) against \(rows.map(\.name))")
    }

    @Test func header() throws {
        typealias Header = ModelLayout.Header
        try check(
            "## Header",
            [
                "version": Header.version, "flags": Header.flags, "fileBytes": Header.fileBytes,
                "checksum": Header.checksum,
                "tensorCount": Header.tensorCount, "opCount": Header.opCount, "inputTensor": Header.inputTensor,
                "outputTensor": Header.outputTensor, "arenaBytes": Header.arenaBytes, "labelCount": Header.labelCount,
                "temperature": Header.temperature, "rejectionThreshold": Header.rejectionThreshold,
                "resizeMode": Header.resizeMode, "filter": Header.filter, "decodeScaling": Header.decodeScaling,
                "resizeWidth": Header.resizeWidth, "resizeHeight": Header.resizeHeight, "cropWidth": Header.cropWidth,
                "cropHeight": Header.cropHeight, "sections": Header.sections,
            ], bytes: Header.bytes)
        #expect(ModelLayout.Section.count == 5 && ModelLayout.Section.allCases.count == 5)
        let magic = try rows(under: "## Header")[0].text
        let bytes = (0..<8).map { String(format: "%02X", ModelLayout.magic[$0]) }.joined(separator: " ")
        #expect(magic.hasPrefix(bytes))
    }

    @Test func tensor() throws {
        typealias Tensor = ModelLayout.TensorRecord
        try check(
            "## Tensor",
            [
                "height": Tensor.height, "width": Tensor.width, "channels": Tensor.channels, "scale": Tensor.scale,
                "zeroPoint": Tensor.zeroPoint, "interior": Tensor.interior, "pixelStride": Tensor.pixelStride,
                "arenaOffset": Tensor.arenaOffset,
            ], bytes: Tensor.bytes)
    }

    @Test func op() throws {
        typealias Op = ModelLayout.OpRecord
        try check(
            "## Op",
            [
                "code": Op.code, "inputCount": Op.inputCount, "inputs": Op.inputs, "output": Op.output,
                "kernelHeight": Op.kernelHeight, "kernelWidth": Op.kernelWidth, "strideHeight": Op.strideHeight,
                "strideWidth": Op.strideWidth, "padTop": Op.padTop, "padBottom": Op.padBottom, "padLeft": Op.padLeft,
                "padRight": Op.padRight, "clampMin": Op.clampMin, "clampMax": Op.clampMax, "parameter": Op.parameter, "padPixel": Op.padPixel,
                "weights": Op.weights, "weightsBytes": Op.weightsBytes, "bias": Op.bias, "multiplier": Op.multiplier,
                "table": Op.table, "scale0": Op.scale0, "scale1": Op.scale1, "blockLength": Op.blockLength,
            ], bytes: Op.bytes)
    }

    @Test func selfTest() throws {
        typealias Test = ModelLayout.SelfTest
        try check(
            "## Self-test", ["seed": Test.seed, "outputCount": Test.outputCount, "opHashes": Test.opHashes], bytes: 16)
    }

    @Test func opCodes() throws {
        let listed = try rows(under: "### Codes").map { "\($0.first) \($0.type)" }
        #expect(listed == ModelLayout.OpCode.allCases.map { "\($0.rawValue) \($0)" })
    }

    @Test func limits() throws {
        typealias Limit = ModelLayout.Limit
        let header = try rows(under: "## Header")
        func text(_ name: String) -> String { header.first { $0.name == name }?.text ?? "" }
        #expect(text("tensorCount") == "2 … \(Limit.tensors)")
        #expect(text("opCount") == "1 … \(Limit.ops)")
        #expect(text("resizeWidth") == "1 … \(Limit.side)")
        #expect(text("labelCount").hasSuffix("at most \(Limit.labels)"))
        #expect(text("arenaBytes").hasSuffix("at most 2³⁰") && Limit.arenaBytes == 1 << 30)
        #expect(try rows(under: "## Tensor")[2].text == "1 … \(Limit.channels)")
        #expect(try rows(under: "## Op").first { $0.name == "kernelWidth" }?.text == "1 … \(Limit.kernelSide)")
        let page = try String(contentsOf: Self.repository.appendingPathComponent("docs/format.md"), encoding: .utf8)
        #expect(page.contains("at most 2³⁰ bytes long") && Limit.fileBytes == 1 << 30)
        #expect(try rows(under: "## Header").first { $0.name == "version" }?.text.hasPrefix("\(ModelLayout.version). ") == true)
        #expect(page.contains("sum up to more than 2³⁶") && Limit.work == 1 << 36)
    }
}
