// TrainingLog: log.csv, a header and a row for each finished epoch. The file is written anew each time, atomically: it is small, a row is
// never half there, and a resumed run takes out the rows that its checkpoint does not hold.

import Foundation
import ModelGraph

package struct TrainingLog {
    package let path: String
    private let header: String
    private var rows: [String]

    /// Starts the file, or goes on with it.
    /// - Parameters:
    ///   - finishedEpochs: Rows after this epoch are dropped; 0 for a new run.
    /// - Throws: `FileError`.
    package init(path: String, phases: Int, heads: Int, finishedEpochs: Int) throws {
        self.path = path
        let columns =
            ["epoch", "iteration", "lr", "backbone_lr"] + (1...phases).map { "loss_phase\($0)" }
            + ["val_loss", "val_top1"] + (1...heads).map { "val_top1_head\($0)" } + ["images_per_second", "seconds"]
        header = columns.joined(separator: ",")
        rows = []
        if finishedEpochs > 0, let earlier = try? FileContents.read(path) {
            rows = String(decoding: earlier, as: UTF8.self).split(separator: "\n").dropFirst().map(String.init).filter {
                guard let epoch = $0.split(separator: ",").first.flatMap({ Int($0) }) else { return false }
                return epoch <= finishedEpochs
            }
        }
        try write()
    }

    /// - Parameter heads: Of the network; without validation their columns stay empty.
    package mutating func append(_ record: EpochRecord, heads: Int) throws {
        let validation =
            record.validation.map { [number($0.loss), number($0.top1)] + $0.headTop1.map(number) }
            ?? [String](repeating: "", count: 2 + heads)
        let fields =
            [
                "\(record.epoch)", "\(record.iteration)", number(Double(record.rates.head)),
                number(Double(record.rates.backbone)),
            ]
            + record.phaseLosses.map(number) + validation
            + [number(record.imagesPerSecond), number(record.seconds)]
        rows.append(fields.joined(separator: ","))
        try write()
    }

    private func write() throws {
        try FileContents.write(Data(([header] + rows).map { $0 + "\n" }.joined().utf8), to: path)
    }

    private func number(_ value: Double) -> String { String(format: "%.6g", value) }
}
