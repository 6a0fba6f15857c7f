// tinyrt benchmark: how long a model takes on this processor. The network alone: no photo is decoded. `tiny benchmark` is the same.

import CDeviceShim
import TinyRuntime

enum BenchmarkCommand {
    static let syntax = Syntax(
        command: "benchmark",
        help: """
            tinyrt benchmark MODEL.tiny [--threads N] [--runs N] [--warmup N] [--isa NAME] [--profile] [--trace FILE] [--json]

            Times whole runs of the network, without decoding photos.

              --threads N   threads that share the work of one run, 1 to 64 (default: one a core, at most 4, fewer where the network is
                            small)
              --runs N      timed runs (default 100)
              --warmup N    runs before them that are not timed (default 10)
              --isa NAME    kernels, by the name that selftest prints (default: the fastest of this processor)
              --profile     the steps' times too, in as many more runs (1000 at most), beside the least that this machine could need for
                            their multiply-adds or for reading their weights
              --trace FILE  the last of those runs, step by step, to be opened in https://ui.perfetto.dev or chrome://tracing
              --json        one object

            Examples:

              tinyrt benchmark birds.tiny --threads 4
              tinyrt benchmark birds.tiny --profile --trace birds.json

            """,
        options: [.threads, .runs, .warmup, .isa, .profile, .trace, .json], names: 1...1,
        missing: "a model is missing: tinyrt benchmark MODEL.tiny")

    static func run(_ options: Options) -> Int32 {
        let path = options.names[0]
        var exitCode = ExitCode.done
        guard let (model, _) = ModelFile.open(path, exitCode: &exitCode) else { return exitCode }
        if let trace = options.trace {
            exitCode = TraceFile.check(trace)
            if exitCode != ExitCode.done { return exitCode }
        }
        let report: BenchmarkReport
        do {
            report = try measure(model, options)
        } catch {
            ModelFile.complain(path, error)
            return ExitCode.failure
        }
        guard Output.print(options.json ? report.jsonLine : report.lines) else { return ExitCode.outputNotWritten }
        guard let trace = options.trace else { return ExitCode.done }
        return TraceFile.write(report.trace, to: trace)
    }

    private static func measure(_ model: Model, _ options: Options) throws(ModelError) -> BenchmarkReport {
        let path = options.names[0]
        let threads = options.threads(for: model)
        let arena = try Session.arenaBytes(for: model, instructionSet: options.isa, threads: threads)
        let session = try Session(model: model, instructionSet: options.isa, threads: threads)
        var settings = NetworkBenchmark.Settings()
        settings.runs = options.runs
        settings.warmup = options.warmup
        settings.timesSteps = options.profile || options.trace != nil
        let result = NetworkBenchmark.measure(session, settings, clock: device_nanoseconds) { done, all in
            var line = TextBytes()
            line.append(done)
            line.append(" of ")
            line.append(all)
            line.append(" runs")
            Output.complain(path.bytes, line)
        }
        // Before measuring the bound touches all of the model.
        let peak = Int(device_peak_bytes())
        let bound = options.profile ? MachineBound.measure(options.isa, threads: threads, model.edge.fileBytes) : nil
        return withProcessor { processor in
            BenchmarkReport(
                file: path.bytes, session: session, threads: threads, arenaBytes: arena, result: result, bound: bound,
                showsSteps: options.profile, peakBytes: peak, processor: processor)
        }
    }

    private static func withProcessor<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        let capacity = 128
        let name = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
        defer { name.deallocate() }
        device_processor(name, capacity)
        return body(Argument(pointer: name).bytes)
    }
}

extension MachineBound {
    fileprivate static func measure(
        _ instructionSet: InstructionSet, threads: Int, _ bytes: UnsafeRawBufferPointer
    ) -> MachineBound {
        // A literal's bytes end with a zero.
        let name = UnsafeRawPointer(instructionSet.name.utf8Start).assumingMemoryBound(to: CChar.self)
        let found = device_measure_bound(
            name, Int32(threads), bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        return MachineBound(
            multiplyAdds: found.multiply_adds > 0 ? found.multiply_adds : nil, bytes: found.bytes > 0 ? found.bytes : nil)
    }
}
