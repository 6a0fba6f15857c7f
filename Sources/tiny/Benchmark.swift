// tiny benchmark: how long a .tiny model takes on this processor. The network alone: no photo is decoded. What is measured and how it is
// told is TinyRuntime's, the same as `tinyrt benchmark`.

import ArgumentParser
import CDeviceShim
import Foundation
import ModelGraph
import TinyRuntime

struct Benchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Time a .tiny model on this processor.",
        discussion: """
            Times whole runs of the network, without decoding photos, and with --profile the steps of as many more (1000 at most), beside
            the least that this machine could need for their multiply-adds or for reading their weights.

              tiny benchmark birds.tiny
              tiny benchmark birds.tiny --runs 500 --profile --isa avx2
              tiny benchmark birds.tiny --trace birds.json
            """)

    @Argument(help: ArgumentHelp("A .tiny file.", valueName: "model"))
    var model: String
    @Option(
        help: ArgumentHelp(
            "Threads that share the work of one run. Default: one a core, at most 4, fewer where the network is small.",
            valueName: "n"))
    var threads: Int?
    @Option(help: ArgumentHelp("Timed runs.", valueName: "n"))
    var runs = 100
    @Option(help: ArgumentHelp("Runs before them that are not timed.", valueName: "n"))
    var warmup = 10
    @Option(help: "Kernels; all give the same bytes. Default: the fastest that this processor has.")
    var isa: InstructionSet?
    @Flag(help: "The time of each step, too.")
    var profile = false
    @Option(
        help: ArgumentHelp(
            "Where to write the last runs, step by step, to be opened in https://ui.perfetto.dev or chrome://tracing.",
            valueName: "file"))
    var trace: String?
    @Flag(help: "One object on a line.")
    var json = false

    func validate() throws {
        guard (1...1_000_000).contains(runs) else { throw ValidationError("--runs must be from 1 to 1000000") }
        guard (0...1_000_000).contains(warmup) else { throw ValidationError("--warmup must be from 0 to 1000000") }
        if let threads, !Session.threadCounts.contains(threads) {
            throw ValidationError("--threads must be from 1 to \(Session.threadCounts.upperBound)")
        }
        if let isa, !isa.isAvailable {
            throw ValidationError("--isa \(isa.name.text): this processor or this build does not have it")
        }
        if trace?.isEmpty == true { throw ValidationError("--trace needs a file name") }
    }

    func run() throws {
        let model = try EdgeModelFile.load(model)
        if let trace { try FileContents.checkIsWritable(trace) }
        let report = try measure(model)
        try StandardOutput.write(json ? report.jsonLine : report.lines)
        if let trace { try FileContents.write(Data(report.trace.bytes), to: trace) }
    }

    private func measure(_ model: Model) throws -> BenchmarkReport {
        let isa = isa ?? .best
        let processors = Int(device_processors(Int32(Session.mostSuggestedThreads)))
        let threads = threads ?? Session.suggestedThreads(for: model, processors: processors)
        let arena = try Session.arenaBytes(for: model, instructionSet: isa, threads: threads)
        let session = try Session(model: model, instructionSet: isa, threads: threads)
        var settings = NetworkBenchmark.Settings()
        settings.runs = runs
        settings.warmup = warmup
        settings.timesSteps = profile || trace != nil
        let result = NetworkBenchmark.measure(session, settings, clock: device_nanoseconds) { done, all in
            FileHandle.standardError.write(Data("tiny: \(self.model): \(done) of \(all) runs\n".utf8))
        }
        // Before measuring the bound touches all of the model.
        let peak = Int(device_peak_bytes())
        let bound = profile ? MachineBound.measure(isa, threads: threads, model.edge.fileBytes) : nil
        return Array(self.model.utf8).withUnsafeBufferPointer { file in
            Self.processor.withUnsafeBufferPointer { processor in
                BenchmarkReport(
                    file: file, session: session, threads: threads, arenaBytes: arena, result: result, bound: bound,
                    showsSteps: profile, peakBytes: peak, processor: processor)
            }
        }
    }

    private static var processor: [UInt8] {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { name in
            guard let start = name.baseAddress else { return [] }
            device_processor(start, name.count)
            return Array(String(cString: start).utf8)
        }
    }
}

extension MachineBound {
    fileprivate static func measure(
        _ instructionSet: InstructionSet, threads: Int, _ bytes: UnsafeRawBufferPointer
    ) -> MachineBound {
        let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let found = device_measure_bound(instructionSet.name.text, Int32(threads), start, bytes.count)
        return MachineBound(
            multiplyAdds: found.multiply_adds > 0 ? found.multiply_adds : nil, bytes: found.bytes > 0 ? found.bytes : nil)
    }
}
