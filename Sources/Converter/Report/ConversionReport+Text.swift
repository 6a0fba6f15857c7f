// The report as a person reads it: answers first, then sizes, then the layers that lose most.

import Foundation

extension ConversionReport {
    /// - Parameter worst: how many layers to list.
    package func text(worst: Int = 10) -> String {
        var lines: [String] = []
        lines.append(
            "calibrated on \(calibrationImages) photos"
                + (calibrationSkipped > 0 ? ", \(calibrationSkipped) skipped" : ""))
        lines += tuning?.lines ?? []
        lines.append("compared on   \(images) photos" + (skipped > 0 ? ", \(skipped) skipped" : ""))
        if let floatTop1, let int8Top1 {
            lines.append(
                "top-1         float \(percent(floatTop1)), int8 \(percent(int8Top1)) of \(labelledImages) labelled photos"
            )
            if let floatTop5, let int8Top5 {
                lines.append("top-5         float \(percent(floatTop5)), int8 \(percent(int8Top5))")
            }
        }
        lines.append("equal answers \(equalAnswers) of \(images), \(percent(agreement))")
        lines.append("logits' SQNR  \(decibel(logitsSqnrDb))")
        if rounding != .nearest { lines.append("rounding      \(rounding.rawValue)") }
        lines.append(
            "file          \(fileBytes) bytes (weights \(weightBytes); as float \(floatBytes))")
        lines.append("arena         \(arenaBytes) bytes (no plan could need less than \(arenaLowerBoundBytes))")
        if let confidence {
            lines.append(
                "confidence    temperature \(confidence.temperature) from \(confidence.images) labelled photos: calibration error "
                    + "\(percent(confidence.calibrationErrorBefore)) before, \(percent(confidence.calibrationErrorAfter)) after")
            if confidence.rejectionThreshold > 0 {
                lines.append(
                    "              rejected below \(short(Double(confidence.rejectionThreshold))): \(percent(confidence.coverage)) of answers accepted, "
                        + "\(percent(confidence.acceptedAccuracy)) of those right (of all: \(percent(confidence.accuracy)))")
            }
            if let note = confidence.note { lines.append("              \(note)") }
        }
        let lossy = lossiest(worst)
        if !lossy.isEmpty {
            lines.append("layers that lose most (SQNR of the worst input → of the output; noise of the layers before is in both):")
            lines.append("  SQNR                 saturated  cause           op                 node")
            for (_, layer) in lossy {
                lines.append(
                    "  " + padded("\(decibel(layer.inputSqnrDb)) → \(decibel(layer.sqnrDb))", 21)
                        + padded(percent(layer.saturatedShare), 11)
                        + padded(layer.cause?.rawValue.replacingOccurrences(of: "_", with: " ") ?? "", 16)
                        + padded(layer.op, 19) + layer.name)
            }
        }
        return lines.joined(separator: "\n")
    }

    private func percent(_ share: Double) -> String { Figures.percent(share) }
    private func decibel(_ value: Double?) -> String { Figures.decibel(value) }
    private func short(_ value: Double) -> String { Figures.short(value) }
    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(width - text.count, 1))
    }
}
