// BenchmarkTests: `tiny benchmark` and `tinyrt benchmark` say the same of the same model, their sums agree, their traces open. No time is
// compared with anything but other times of the same run.

import Foundation
import TestSupport
import Testing
import TinyRuntime

@Suite struct BenchmarkTests {
    static let commands = ["tiny", "tinyrt"]
    let folder: TemporaryFolder
    let model: String
    init() throws {
        folder = try TemporaryFolder()
        model = try Made.model.get()
    }

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func number(_ object: [String: Any], _ key: String) throws -> Double {
        try #require(object[key] as? Double, "\(key) in \(object)")
    }

    private var edge: EdgeModel {
        get throws {
            try Data(contentsOf: URL(fileURLWithPath: model)).withUnsafeBytes { try Model(copying: $0) }.edge
        }
    }

    @Test(arguments: commands) func saysWhatItMeasured(command: String) throws {
        let arguments = ["benchmark", model, "--json", "--runs", "7", "--warmup", "1", "--isa", "plain", "--threads", "2"]
        let result = try Command.run(command, arguments)
        #expect(result.exitCode == 0 && result.errors == "", "\(result.errors)")
        #expect(result.output.hasSuffix("}\n") && result.output.filter { $0 == "\n" }.count == 1)
        let found = try object(result.output)
        let times = try ["min_ms", "median_ms", "p90_ms", "p99_ms", "max_ms"].map { try number(found, $0) }
        #expect(times == times.sorted() && times[0] > 0, "\(times)")
        let mean = try number(found, "mean_ms")
        #expect(times[0] <= mean && mean <= times[4])
        #expect(found["file"] as? String == model)
        #expect(found["runs"] as? Int == 7 && found["warmup"] as? Int == 1 && found["threads"] as? Int == 2 && found["isa"] as? String == "plain")
        let edge = try edge
        #expect(found["multiply_adds"] as? UInt64 == edge.ops.reduce(0) { $0 + $1.multiplyAdds(edge.tensors) })
        #expect(found["file_bytes"] as? Int == edge.fileBytes.count && found["activation_bytes"] as? Int == edge.arenaBytes)
        #expect(try number(found, "arena_bytes") >= Double(edge.arenaBytes))
        #expect(try number(found, "peak_rss_bytes") > number(found, "arena_bytes"))
        #expect(found["steps"] == nil)
    }

    @Test func bothCommandsSayTheSameFields() throws {
        func keys(_ value: Any, _ path: String) -> Set<String> {
            switch value {
            case let object as [String: Any]: Set(object.flatMap { keys($1, path + "." + $0) })
            case let array as [Any]: Set(array.flatMap { keys($0, path + "[]") })
            default: [path]
            }
        }
        let results = try Self.commands.map { try Command.run($0, ["benchmark", model, "--json", "--profile", "--runs", "2"]) }
        let fields = try results.map { keys(try object($0.output), "") }
        #expect(fields[0] == fields[1] && fields[0].count > 20)
        // As they come, beside the numbers.
        func words(_ text: String) -> String { text.replacing(try! Regex("[0-9.]+( %)?"), with: "#").replacing(try! Regex(" +"), with: " ") }
        let lines = try Self.commands.map { try Command.run($0, ["benchmark", model, "--runs", "2", "--threads", "1"]).output }
        #expect(words(lines[0]) == words(lines[1]))
    }

    @Test(arguments: commands) func theStepsAddUp(command: String) throws {
        let result = try Command.run(command, ["benchmark", model, "--json", "--profile", "--runs", "5"])
        #expect(result.exitCode == 0, "\(result.errors)")
        let found = try object(result.output)
        let steps = try #require(found["steps"] as? [[String: Any]])
        let edge = try edge
        func sum(_ key: String) throws -> Double { try steps.reduce(0) { try $0 + number($1, key) } }
        #expect(try sum("ops") == Double(edge.ops.count))
        #expect(try sum("multiply_adds") == number(found, "multiply_adds"))
        #expect(try sum("weight_bytes") == Double(edge.ops.reduce(0) { $0 + $1.constantBytes(edge.tensors) }))
        // Six decimals each.
        let tolerance = 1e-6 * Double(steps.count)
        #expect(abs(try sum("median_ms") - number(found, "steps_ms")) <= tolerance)
        #expect(abs(try sum("share") - 1) <= tolerance)
        #expect(found["profiled_runs"] as? Int == 5)
        var next = 0
        for (index, step) in steps.enumerated() {
            #expect(step["index"] as? Int == index && step["first_op"] as? Int == next)
            next += try #require(step["ops"] as? Int)
            let output = edge.tensors[edge.ops[next - 1].output]
            #expect(step["output_shape"] as? [Int] == [output.height, output.width, output.channels])
            #expect(try number(step, "min_ms") <= number(step, "median_ms"))
            let names = (next - (step["ops"] as? Int ?? 0)..<next).map { "\(edge.ops[$0].code)" }
            #expect(step["step"] as? String == names.joined(separator: "+"))
            // The larger of the two least times, from the figures that stand beside them.
            guard let compute = found["bound_gmac_per_s"] as? Double, let read = found["bound_gb_per_s"] as? Double else { continue }
            let least = [try number(step, "multiply_adds") / compute, try number(step, "weight_bytes") / read].map { $0 / 1e6 }
            guard let stated = step["bound_ms"] as? Double else {
                #expect(least[0] == 0 && least[1] == 0)
                continue
            }
            #expect(abs(stated - max(least[0], least[1])) <= 1e-6 + 1e-2 * stated, "step \(index): \(stated), \(least)")
            #expect(step["bound_by"] as? String == (least[1] > least[0] ? "memory" : "compute") || abs(least[0] - least[1]) < 1e-2 * stated)
        }
    }

    @Test(arguments: commands) func theTableHasARowForEachStep(command: String) throws {
        let result = try Command.run(command, ["benchmark", model, "--profile", "--runs", "3", "--threads", "1"])
        let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false)
        let title = try #require(lines.firstIndex { $0.contains("GMAC/s") && $0.contains("step") })
        let sum = try #require(lines.firstIndex { $0.split(separator: " ").first == "sum" })
        #expect(lines[title + 1..<sum].allSatisfy { Int($0.split(separator: " ")[0]) != nil } && sum > title + 10, "\(result.output)")
        #expect(!lines.contains { $0.hasSuffix(" ") })
    }

    /// No loop for plain C: what is not known is left out.
    @Test(arguments: commands) func withoutABound(command: String) throws {
        let arguments = ["benchmark", model, "--profile", "--runs", "1", "--warmup", "0", "--isa", "plain"]
        let found = try object(try Command.run(command, arguments + ["--json"]).output)
        #expect(found["bound_gmac_per_s"] is NSNull)
        let steps = try #require(found["steps"] as? [[String: Any]])
        #expect(steps.allSatisfy { $0["bound_ms"] is NSNull && $0["bound_by"] is NSNull })
        #expect(!(try Command.run(command, arguments).output.contains("of bound")))
    }

    @Test(arguments: commands) func theTraceOpens(command: String) throws {
        let path = folder.path("run.json")
        try Data("an earlier trace".utf8).write(to: URL(fileURLWithPath: path))
        let result = try Command.run(command, ["benchmark", model, "--runs", "12", "--threads", "1", "--trace", path])
        #expect(result.exitCode == 0, "\(result.errors)")
        #expect(!result.output.contains("GMAC/s  "), "the table is --profile's: \(result.output)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["run.json"])
        let trace = try object(String(contentsOfFile: path, encoding: .utf8))
        let events = try #require(trace["traceEvents"] as? [[String: Any]])
        let bars = events.filter { $0["ph"] as? String == "X" }
        #expect(events.count == bars.count + 2)
        let runs = bars.filter { ($0["name"] as? String)?.hasPrefix("run ") == true }
        let ops = try edge.ops.count
        // The last ten runs, each with what it consists of.
        #expect(runs.count == 10 && bars.count % 10 == 0 && bars.count > 20 && bars.count <= 10 * (ops + 1))
        var end = 0.0
        for event in runs {
            let start = try number(event, "ts")
            #expect(start >= end)
            end = start + (try number(event, "dur"))
            let inside = try bars.filter { try number($0, "ts") >= start - 0.01 && number($0, "ts") + number($0, "dur") <= end + 0.01 }
            #expect(inside.count == bars.count / 10)
            let steps = try inside.dropFirst().reduce(0) { try $0 + number($1, "dur") }
            #expect(abs(steps - (end - start)) <= 0.01 * Double(ops))
        }
    }

    @Test(arguments: commands) func aTraceThatCannotBeWritten(command: String) throws {
        for path in [folder.path("nowhere/run.json"), folder.url.path, "/dev/null"] {
            // It is said before the runs, not after them.
            let result = try Command.run(command, ["benchmark", model, "--runs", "1000000", "--trace", path])
            #expect(result.exitCode == 74 && result.output == "", "\(path): \(result.exitCode)")
            #expect(result.errors.contains(path) && result.errors.filter { $0 == "\n" }.count == 1, "\(result.errors)")
        }
        // A disk that is full, at the end: nothing half-written, and what stood there stands.
        let path = folder.path("run.json")
        try Data("an earlier trace".utf8).write(to: URL(fileURLWithPath: path))
        let result = try Command.run(
            command, ["benchmark", model, "--runs", "10", "--trace", path], shell: "trap '' XFSZ; ulimit -f 1")
        #expect(result.exitCode == 74 && result.errors.contains(path), "\(result.exitCode) \(result.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["run.json"])
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "an earlier trace")
    }

    @Test(arguments: commands) func mistakes(command: String) throws {
        for arguments in [["--threads", "0"], ["--threads", "65"], ["--runs", "0"], ["--warmup", "-1"], ["--isa", "mmx"], ["--trace"]] {
            let result = try Command.run(command, ["benchmark", model] + arguments)
            #expect(result.exitCode == 64 && result.output == "", "\(arguments): \(result.exitCode)")
        }
        #expect(try Command.run(command, ["benchmark", folder.path("none.tiny")]).exitCode == 66)
        let full = try Command.run(command, ["benchmark", model, "--runs", "1"], shell: "exec >/dev/full")
        #expect(full.exitCode == 74 && full.errors.contains("standard output"), "\(full.exitCode) \(full.errors)")
    }

    /// Where nobody says how many: no more than the processors that the command may use.
    @Test(arguments: commands) func theDefaultIsWhatTheProcessMayUse(command: String) throws {
        let found = try object(try Command.run(command, ["benchmark", model, "--json", "--runs", "1"], shell: "taskset -cp 0 $$ >/dev/null").output)
        #expect(found["threads"] as? Int == 1)
    }
}
