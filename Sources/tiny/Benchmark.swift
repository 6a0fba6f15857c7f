// tiny benchmark: how long a .tiny model takes on this processor. The network alone: no photo is decoded.

import ArgumentParser
import Foundation
import TinyRuntime

struct Benchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Time a .tiny model on this processor.",
        discussion: """
            Times whole runs of the network, without decoding photos: warm-up runs first, then --runs runs in each thread. With --threads,
            every thread classifies images of its own at the same time; one image is not split.

              tiny benchmark birds.tiny
              tiny benchmark birds.tiny --runs 500 --profile --isa avx2
            """)

    @Argument(help: ArgumentHelp("A .tiny file.", valueName: "model"))
    var model: String
    @Option(help: ArgumentHelp("Timed runs in each thread.", valueName: "n"))
    var runs = 200
    @Option(help: ArgumentHelp("Runs before them that are not timed.", valueName: "n"))
    var warmup = 20
    @Option(help: ArgumentHelp("Threads that run at once.", valueName: "n"))
    var threads = 1
    @Option(help: "Kernels; all give the same bytes. Default: the fastest that this processor has.")
    var isa: InstructionSet?
    @Flag(help: "The time of each op, too.")
    var profile = false
    @Flag(help: "One object on a line.")
    var json = false

    func validate() throws {
        guard (1...1_000_000).contains(runs) else { throw ValidationError("--runs must be from 1 to 1000000") }
        guard (0...1_000_000).contains(warmup) else { throw ValidationError("--warmup must be from 0 to 1000000") }
        guard (1...1024).contains(threads) else { throw ValidationError("--threads must be from 1 to 1024") }
        guard !profile || threads == 1 else { throw ValidationError("--profile is for one thread") }
        if let isa, !isa.isAvailable {
            throw ValidationError("--isa \(isa.name.text): this processor or this build does not have it")
        }
    }

    func run() throws {
        let model = try EdgeModelFile.load(model)
        let isa = isa ?? .best
        let times = try Self.time(model, isa, threads: threads, warmup: warmup, runs: runs)
        var report = Report(
            file: self.model, median_ms: times.share(0.5), p90_ms: times.share(0.9), min_ms: times.share(0),
            images_per_second: (times.imagesPerSecond * 10).rounded() / 10, runs: runs, threads: threads,
            isa: isa.name.text,
            arena_bytes: try Session.arenaBytes(for: model, instructionSet: isa), cpu: Self.processorName)
        if profile { report.ops = try Self.profile(model, isa, warmup: warmup, runs: runs) }
        if json {
            try StandardOutput.write(line: JSONLine.text(report))
        } else {
            try StandardOutput.write(line: report.lines.joined(separator: "\n"))
        }
    }

    /// Field names as they stand in the JSON.
    private struct Report: Encodable {
        struct Op: Encodable {
            var index: Int
            var op: String
            var output_shape: [Int]
            var median_ms: Double
            var multiply_adds: UInt64
        }
        var file: String
        var median_ms: Double
        var p90_ms: Double
        var min_ms: Double
        var images_per_second: Double
        var runs: Int
        var threads: Int
        var isa: String
        var arena_bytes: Int
        var cpu: String
        var ops: [Op]?

        var lines: [String] {
            var lines = [
                "\(file): median \(median_ms) ms, 90 % within \(p90_ms) ms, fastest \(min_ms) ms",
                "\(runs) runs on \(threads) thread\(threads == 1 ? "" : "s"), \(images_per_second) images/s",
                "\(isa) kernels, \(arena_bytes) bytes of memory a thread, \(cpu)",
            ]
            guard let ops else { return lines }
            let sum = ops.reduce(0) { $0 + $1.median_ms }
            var table = TextTable([
                ("", true), ("op", false), ("output", false), ("ms", true), ("share", true), ("GMAC/s", true),
            ])
            for op in ops {
                let speed = op.median_ms > 0 ? Double(op.multiply_adds) / op.median_ms / 1e6 : 0
                table.append([
                    String(op.index), op.op, op.output_shape.map(String.init).joined(separator: "×"),
                    String(format: "%.4f", op.median_ms),
                    String(format: "%.1f %%", 100 * op.median_ms / max(sum, 1e-9)),
                    op.multiply_adds == 0 ? "" : String(format: "%.1f", speed),
                ])
            }
            lines.append("")
            return lines + table.lines
        }
    }

    private struct Times {
        /// Milliseconds, ascending.
        var runs: [Double]
        var imagesPerSecond: Double

        /// The time within which this share of the runs ended (nearest rank).
        func share(_ share: Double) -> Double {
            let rank = Int((share * Double(runs.count)).rounded(.up))
            return Benchmark.rounded(runs[min(max(rank - 1, 0), runs.count - 1)])
        }
    }

    /// What one thread measured: written by it alone, read after all have ended.
    private final class Measurement: @unchecked Sendable {
        var times: [Double] = []
        var start = ContinuousClock.now
        var end = ContinuousClock.now
    }

    private static func time(
        _ model: Model, _ isa: InstructionSet, threads: Int, warmup: Int, runs: Int
    ) throws -> Times {
        _ = try Session(model: model, instructionSet: isa)  // what may fail, fails here
        let measurements = (0..<threads).map { _ in Measurement() }
        DispatchQueue.concurrentPerform(iterations: threads) { index in
            guard let session = try? Session(model: model, instructionSet: isa) else { return }
            let measurement = measurements[index]
            measurement.times.reserveCapacity(runs)
            var generator = SplitMix64(seed: UInt64(index))
            let clock = ContinuousClock()
            for run in -warmup..<runs {
                generator.fill(session.input)
                let start = clock.now
                session.run()
                let end = clock.now
                if run == 0 { measurement.start = start }
                measurement.end = end
                if run >= 0 { measurement.times.append((end - start).milliseconds) }
            }
        }
        let all = measurements.flatMap(\.times).sorted()
        let start = measurements.map(\.start).min() ?? .now
        let end = measurements.map(\.end).max() ?? .now
        return Times(runs: all, imagesPerSecond: Double(all.count) / max((end - start).milliseconds, 1e-6) * 1000)
    }

    private static func profile(_ model: Model, _ isa: InstructionSet, warmup: Int, runs: Int) throws -> [Report.Op] {
        let session = try Session(model: model, instructionSet: isa, fused: false)
        let edge = model.edge
        var times = edge.ops.map { _ in [Double]() }
        var generator = SplitMix64(seed: 0)
        let clock = ContinuousClock()
        for run in -warmup..<runs {
            generator.fill(session.input)
            var before = clock.now
            session.run { op, _ in
                let now = clock.now
                if run >= 0 { times[op].append((now - before).milliseconds) }
                before = clock.now
            }
        }
        return edge.ops.indices.map { index in
            let output = edge.tensors[edge.ops[index].output]
            return Report.Op(
                index: index, op: "\(edge.ops[index].code)",
                output_shape: [output.height, output.width, output.channels],
                median_ms: rounded(times[index].sorted()[times[index].count / 2]),
                multiply_adds: edge.ops[index].multiplyAdds(edge.tensors))
        }
    }

    /// To a ten-thousandth: more digits would say more than was measured.
    private static func rounded(_ value: Double) -> Double { (value * 1e4).rounded() / 1e4 }

    /// As the kernel names it; figures without it say little.
    private static var processorName: String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown CPU"
    }
}

extension Duration {
    fileprivate var milliseconds: Double { Double(components.seconds) * 1e3 + Double(components.attoseconds) / 1e15 }
}
