// tinyrt benchmark: how long a model takes on this processor. The network alone: no photo is decoded.

import CDeviceShim
import TinyRuntime

enum BenchmarkCommand {
    static let syntax = Syntax(
        command: "benchmark",
        help: """
            tinyrt benchmark MODEL.tiny [--threads N] [--runs N] [--warmup N] [--isa NAME] [--json]

            Times whole runs of the network, without decoding photos.

              --threads N   threads that share the work of one run, 1 to 64 (default 1)
              --runs N      timed runs (default 50)
              --warmup N    runs before them that are not timed (default 5)
              --isa NAME    kernels, by the name that selftest prints (default: the fastest of this processor)
              --json        one object: file, median_ms, p90_ms, min_ms, runs, warmup, threads, isa, arena_bytes, peak_rss_bytes, cpu

            Example:

              tinyrt benchmark birds.tiny --threads 4

            """,
        options: [.threads, .runs, .warmup, .isa, .json], names: 1...1,
        missing: "a model is missing: tinyrt benchmark MODEL.tiny")

    static func run(_ options: Options) -> Int32 {
        let path = options.names[0]
        var exitCode = ExitCode.done
        guard let (model, _) = ModelFile.open(path, exitCode: &exitCode) else { return exitCode }
        var text = TextBytes()
        do {
            let session = try Session(model: model, instructionSet: options.isa, threads: options.threads)
            let arena = try Session.arenaBytes(for: model, instructionSet: options.isa, threads: options.threads)
            let times = time(session, options)
            defer { times.deallocate() }
            let report = Report(
                times: UnsafeBufferPointer(times), arenaBytes: arena, peakBytes: Int(device_peak_bytes()))
            if options.json { append(report, options, jsonTo: &text) } else { append(report, options, linesTo: &text) }
        } catch {
            ModelFile.complain(path, error)
            return ExitCode.failure
        }
        return Output.print(text) ? ExitCode.done : ExitCode.outputNotWritten
    }

    /// Nanoseconds of each run, ascending.
    private static func time(_ session: Session, _ options: Options) -> UnsafeMutableBufferPointer<UInt64> {
        let times = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: options.runs)
        var generator = SplitMix64(seed: 0)
        for run in -options.warmup..<options.runs {
            generator.fill(session.input)
            let start = device_nanoseconds()
            session.run()
            let end = device_nanoseconds()
            if run >= 0 { times.initializeElement(at: run, to: end - start) }
        }
        device_sort(times.baseAddress, times.count)
        return times
    }

    private struct Report {
        var times: UnsafeBufferPointer<UInt64>
        var arenaBytes: Int
        var peakBytes: Int

        /// Milliseconds within which this percentage of the runs ended (nearest rank).
        func milliseconds(percent: Int) -> Double {
            let rank = (percent * times.count + 99) / 100
            return Double(times[max(rank - 1, 0)]) / 1e6
        }
    }

    private static func append(_ report: Report, _ options: Options, linesTo text: inout TextBytes) {
        text.append(visible: options.names[0].bytes)
        text.append(": median ")
        text.append(report.milliseconds(percent: 50), decimals: 4)
        text.append(" ms, 90 % within ")
        text.append(report.milliseconds(percent: 90), decimals: 4)
        text.append(" ms, fastest ")
        text.append(report.milliseconds(percent: 0), decimals: 4)
        text.append(" ms\n")
        text.append(options.runs)
        text.append(options.runs == 1 ? " run after " : " runs after ")
        text.append(options.warmup)
        text.append(" for warm-up, on ")
        text.append(options.threads)
        text.append(options.threads == 1 ? " thread\n" : " threads\n")
        text.append(options.isa.name)
        text.append(" kernels, ")
        text.append(report.arenaBytes)
        text.append(" bytes of arena")
        if report.peakBytes > 0 {
            text.append(", at most ")
            text.append(report.peakBytes)
            text.append(" bytes of memory in all")
        }
        withProcessor { name in
            if !name.isEmpty {
                text.append(", ")
                text.append(visible: name)
            }
        }
        text.newline()
    }

    private static func append(_ report: Report, _ options: Options, jsonTo text: inout TextBytes) {
        text.append("{\"file\":")
        text.append(json: options.names[0].bytes)
        text.append(",\"median_ms\":")
        text.append(report.milliseconds(percent: 50), decimals: 4)
        text.append(",\"p90_ms\":")
        text.append(report.milliseconds(percent: 90), decimals: 4)
        text.append(",\"min_ms\":")
        text.append(report.milliseconds(percent: 0), decimals: 4)
        text.append(",\"runs\":")
        text.append(options.runs)
        text.append(",\"warmup\":")
        text.append(options.warmup)
        text.append(",\"threads\":")
        text.append(options.threads)
        text.append(",\"isa\":\"")
        text.append(options.isa.name)
        text.append("\",\"arena_bytes\":")
        text.append(report.arenaBytes)
        text.append(",\"peak_rss_bytes\":")
        if report.peakBytes > 0 { text.append(report.peakBytes) } else { text.append("null") }
        text.append(",\"cpu\":")
        withProcessor { text.append(json: $0) }
        text.append("}\n")
    }

    private static func withProcessor(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        let capacity = 128
        let name = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
        defer { name.deallocate() }
        device_processor(name, capacity)
        body(Argument(pointer: name).bytes)
    }
}
