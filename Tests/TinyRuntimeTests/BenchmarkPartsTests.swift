// BenchmarkPartsTests: what a benchmark's figures and words are made of, against plain definitions and Foundation's reader.

import Foundation
import Testing
import TinyRuntime

@Suite struct BenchmarkPartsTests {
    @Test func percentilesAreTheNearestRank() {
        // The least value that at least so many per cent of the values do not exceed.
        func expected(_ values: [UInt64], _ percent: Int) -> UInt64 {
            values.sorted().first { value in 100 * values.filter { $0 <= value }.count >= percent * values.count }!
        }
        var state: UInt64 = 1
        for count in [1, 2, 3, 9, 10, 11, 99, 100, 101, 250] {
            let values = (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return 1 + state >> 44
            }
            let durations = Durations(values)
            #expect(durations.count == count)
            for percent in [0, 1, 50, 90, 99, 100] {
                #expect(durations.milliseconds(percent: percent) == Double(expected(values, percent)) / 1e6, "\(count), \(percent) %")
            }
            #expect(abs(durations.meanMilliseconds - Double(values.reduce(0, +)) / Double(count) / 1e6) < 1e-9)
        }
    }

    @Test func jsonIsWhatFoundationReads() throws {
        var json = JSONText()
        json.openObject()
        json.openArray("empty")
        json.closeArray()
        json.field("number", -7)
        json.field("large", UInt64(1) << 60)
        json.field("fraction", 0.0625, decimals: 4)
        json.field("nothing", nil, decimals: 4)
        json.null("null")
        json.field("yes", true)
        json.field("word", "a static \u{00D7}")
        var text = TextBytes()
        text.append("quotes \" and \\ and {[\n")
        json.field("text", text)
        json.field("hash", hexadecimal: 0xAB, digits: 4)
        json.openArray("objects")
        for index in 0..<3 {
            json.openObject()
            if index > 0 { json.field("index", index) }
            json.openObject("inner")
            json.closeObject()
            json.closeObject()
        }
        json.closeArray()
        json.openArray("numbers")
        json.element(1)
        json.element(2)
        json.closeArray()
        json.closeObject()
        json.newline()
        json.openObject()
        json.field("second", 1)
        json.closeObject()

        let lines = String(decoding: json.text.bytes, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 2)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? NSDictionary)
        let expected: NSDictionary = [
            "empty": [], "number": -7, "large": UInt64(1) << 60, "fraction": 0.0625, "nothing": NSNull(), "null": NSNull(), "yes": true,
            "word": "a static ×", "text": "quotes \" and \\ and {[\n", "hash": "00ab",
            "objects": [["inner": [:]], ["index": 1, "inner": [:]], ["index": 2, "inner": [:]]], "numbers": [1, 2],
        ]
        #expect(object == expected)
        #expect(lines[1] == "{\"second\":1}")
    }

    @Test func columnsStandBelowEachOther() {
        var table = TextColumns(isNumber: [true, false, true])
        for cell in ["", "shape", "ms"] as [StaticString] { table.append(cell) }
        for cell in ["10", "7×7×3", ""] as [StaticString] { table.append(cell) }
        for cell in ["9", "", "0.5"] as [StaticString] { table.append(cell) }
        var text = TextBytes()
        table.write(to: &text)
        #expect(String(decoding: text.bytes, as: UTF8.self) == """
                shape   ms
            10  7×7×3
             9         0.5

            """)
    }

    @Test func opNamesAreTheirCases() {
        for code in ModelLayout.OpCode.allCases {
            #expect(code.name.withUTF8Buffer { String(decoding: $0, as: UTF8.self) } == "\(code)")
        }
    }

    @Test func suggestedThreads() throws {
        let small = try load(TestNetworks.everyOp(seed: 1).build().bytes)
        #expect(Session.suggestedThreads(for: small, processors: 8) == 1)
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../models/efficientnet-lite0-imagenet.tiny")
        let large = try load([UInt8](Data(contentsOf: path)))
        for (processors, expected) in [(1, 1), (2, 2), (3, 3), (4, 4), (64, 4)] {
            #expect(Session.suggestedThreads(for: large, processors: processors) == expected)
        }
    }

    /// A clock that goes on by a step at each look: all times are known.
    @Test func stepsAreTimedFromOneLookToTheNext() throws {
        let model = try load(TestNetworks.everyOp(seed: 3).build().bytes)
        let session = try Session(model: model)
        var now: UInt64 = 5
        var settings = NetworkBenchmark.Settings()
        settings.runs = 4
        settings.warmup = 2
        settings.timesSteps = true
        let result = NetworkBenchmark.measure(session, settings) {
            now += 1_000_000
            return now
        } progress: { _, _ in
        }
        #expect(result.runs.count == 4 && result.runs.milliseconds(percent: 100) == 1)
        let steps = try #require(result.steps)
        #expect(steps.runs == 4)
        for step in steps.steps.indices { #expect(steps.durations(ofStep: step).milliseconds(percent: 100) == 1) }
        #expect(steps.steps.first?.lowerBound == 0 && steps.steps.last?.upperBound == model.edge.ops.count)
    }

    @Test func progressIsToldEveryThreeSeconds() throws {
        let session = try Session(model: try load(TestNetworks.everyOp(seed: 3).build().bytes))
        var now: UInt64 = 0
        var settings = NetworkBenchmark.Settings()
        settings.runs = 20
        settings.warmup = 0
        var told: [Int] = []
        // Three looks a run, each half a second after the last.
        _ = NetworkBenchmark.measure(session, settings) {
            now += 500_000_000
            return now
        } progress: { done, all in
            #expect(all == 20)
            told.append(done)
        }
        #expect(!told.isEmpty && told == told.sorted() && told.allSatisfy { (1..<20).contains($0) })
        #expect((4...10).contains(told.count), "\(told)")
    }
}
