// tiny export: a checkpoint of `tiny train` as an ONNX file.

import ArgumentParser
import Foundation
import ModelGraph
import Tensors
import Trainer

struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a training checkpoint as an ONNX model.",
        discussion: """
            Labels, resize, crop, mean and deviation go into the file's metadata, batch norm stays visible. `tiny train` does the same at
            its end with the best epoch; this is for another one, or for a run that was stopped.

              tiny export runs/typefaces/last.safetensors -o last.onnx --recalibrate-batch-norm samples/typefaces
            """)

    @Argument(help: ArgumentHelp("best.safetensors or last.safetensors of a run.", valueName: "checkpoint"))
    var checkpoint: String
    @Option(name: .shortAndLong, help: ArgumentHelp("The ONNX file to write.", valueName: "file"))
    var output: String
    @Option(
        help: ArgumentHelp(
            "Estimate batch norm's averages anew on this folder's training photos, as tiny train does before its export.",
            valueName: "dir"))
    var recalibrateBatchNorm: String?

    func run() throws {
        let read = try Checkpoint(path: checkpoint)
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let backend = FastBackend(threads: cores)
        let network = try read.makeNetwork(backend: backend, path: checkpoint)
        let progress = ConsoleProgress()
        if let folder = recalibrateBatchNorm {
            let shown = try TrainingRun.recalibrate(
                network, recipe: read.recipe, data: folder, backend: backend, workers: cores, report: progress.show)
            progress.line("batch norm's averages estimated anew on \(shown) training images")
        }
        let graph = try GraphExporter.graph(of: network, name: "tiny", metadata: read.metadata)
        try FileContents.write(try graph.onnxData(), to: output)
        progress.close()
        print(
            "\(output): \(read.recipe.network.method.rawValue), \(read.labels.count) classes, after epoch \(read.state.epoch)"
        )
    }
}
