// The report as a person reads it: answers first, then sizes, then the layers where most precision is lost.

import Foundation

extension ConversionReport {
    /// - Parameter worst: how many layers to list.
    package func text(worst: Int = 10) -> String {
        var lines: [String] = []
        lines.append(
            "calibrated on \(calibrationImages) photos"
                + (calibrationSkipped > 0 ? ", \(calibrationSkipped) skipped" : ""))
        lines.append("compared on   \(images) photos" + (skipped > 0 ? ", \(skipped) skipped" : ""))
        if let floatTop1, let int8Top1 {
            lines.append(
                "top-1         float \(percent(floatTop1)), int8 \(percent(int8Top1)) of \(labelledImages) labelled photos"
            )
        }
        lines.append("equal answers \(equalAnswers) of \(images), \(percent(agreement))")
        lines.append("logits' SQNR  \(decibel(logitsSqnrDb))")
        lines.append(
            "file          \(fileBytes) bytes (weights \(weightBytes); as float \(floatBytes))")
        lines.append("arena         \(arenaBytes) bytes (no plan could need less than \(arenaLowerBoundBytes))")
        let lossy = layers.filter { $0.sqnrDb != nil && !$0.isReadByTablesOnly }.sorted {
            ($0.sqnrDb ?? 0) < ($1.sqnrDb ?? 0)
        }.prefix(worst)
        if !lossy.isEmpty {
            lines.append("layers with the least SQNR (noise of the layers before them included):")
            lines.append("  SQNR       saturated  range                     op                 node")
            for layer in lossy {
                let range = "\(short(layer.low)) … \(short(layer.high))"
                lines.append(
                    "  " + padded(decibel(layer.sqnrDb), 11) + padded(percent(layer.saturatedShare), 11)
                        + padded(range, 26)
                        + padded(layer.op, 19) + layer.name)
            }
        }
        return lines.joined(separator: "\n")
    }

    private func percent(_ share: Double) -> String { String(format: "%.2f %%", 100 * share) }
    private func decibel(_ value: Double?) -> String { value.map { String(format: "%.1f dB", $0) } ?? "no noise" }
    private func short(_ value: Double) -> String { String(format: "%.4g", value) }
    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(width - text.count, 1))
    }
}
