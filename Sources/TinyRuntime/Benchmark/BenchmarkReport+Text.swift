// BenchmarkReport as lines for people.

extension BenchmarkReport {
    public var lines: TextBytes {
        var text = TextBytes()
        file.withUnsafeBufferPointer { text.append(visible: $0) }
        text.append(": median ")
        text.append(median, decimals: 4)
        text.append(" ms, mean ")
        text.append(result.runs.meanMilliseconds, decimals: 4)
        text.append(" ms\nfastest ")
        text.append(result.runs.milliseconds(percent: 0), decimals: 4)
        text.append(" ms, 90 % within ")
        text.append(result.runs.milliseconds(percent: 90), decimals: 4)
        text.append(" ms, 99 % within ")
        text.append(result.runs.milliseconds(percent: 99), decimals: 4)
        text.append(" ms, slowest ")
        text.append(result.runs.milliseconds(percent: 100), decimals: 4)
        text.append(" ms\n")
        text.append(result.settings.runs)
        text.append(result.settings.runs == 1 ? " run after " : " runs after ")
        text.append(result.settings.warmup)
        text.append(" for warm-up, on ")
        text.append(threads)
        text.append(threads == 1 ? " thread" : " threads")
        if let speed = perNanosecond(work.multiplyAdds, median) {
            text.append("; ")
            text.append(Double(work.multiplyAdds) / 1e6, decimals: 1)
            text.append(" million multiply-adds, ")
            text.append(speed, decimals: 1)
            text.append(" GMAC/s")
        }
        text.newline()
        text.append(instructionSet.name)
        text.append(" kernels")
        if !processor.isEmpty {
            text.append(", ")
            processor.withUnsafeBufferPointer { text.append(visible: $0) }
        }
        text.append("\nmemory: file ")
        text.append(model.fileBytes.count)
        text.append(" bytes, arena ")
        text.append(arenaBytes)
        text.append(" (activations ")
        text.append(model.arenaBytes)
        text.append(", scratch ")
        text.append(arenaBytes - model.arenaBytes)
        text.append(")")
        if peakBytes > 0 {
            text.append(", process at most ")
            text.append(peakBytes)
        }
        text.newline()
        if showsSteps { appendProfile(to: &text) }
        return text
    }

    private func appendProfile(to text: inout TextBytes) {
        let knowsBound = bound?.multiplyAdds != nil
        var table = TextColumns(
            isNumber: [true, false, false, true, true, true, true] + (knowsBound ? [true, false] : []))
        for title in ["", "step", "output", "ms", "share", "weights", "GMAC/s"] as [StaticString] { table.append(title) }
        if knowsBound {
            table.append("of bound")
            table.append("by")
        }
        let sums = stepSums
        for (index, step) in steps.enumerated() {
            table.append { $0.append(index) }
            table.append { step.appendName(to: &$0, model) }
            table.append { step.appendShape(to: &$0) }
            appendFigures(
                to: &table, milliseconds: step.medianMilliseconds, of: sums.milliseconds, weights: step.weightBytes,
                multiplyAdds: step.multiplyAdds)
            if let bound, knowsBound {
                let least = step.least(bound)
                appendShare(to: &table, least?.milliseconds, of: step.medianMilliseconds)
                if let least { table.append(least.by.name) } else { table.append("") }
            }
        }
        table.append("")
        table.append("sum")
        table.append("")
        appendFigures(
            to: &table, milliseconds: sums.milliseconds, of: sums.milliseconds, weights: work.weightBytes,
            multiplyAdds: work.multiplyAdds)
        if knowsBound {
            appendShare(to: &table, sums.least, of: sums.milliseconds)
            table.append("")
        }
        text.newline()
        table.write(to: &text)
        guard let bound, let multiplyAdds = bound.multiplyAdds else { return }
        text.append("bound: ")
        text.append(multiplyAdds / 1e9, decimals: 1)
        text.append(" GMAC/s")
        if let bytes = bound.bytes {
            text.append(", the model read at ")
            text.append(bytes / 1e9, decimals: 1)
            text.append(" GB/s")
        }
        text.append(", as measured beside these runs\n")
    }

    private func appendFigures(
        to table: inout TextColumns, milliseconds: Double, of sum: Double, weights: UInt64, multiplyAdds: UInt64
    ) {
        table.append { $0.append(milliseconds, decimals: 4) }
        appendShare(to: &table, milliseconds, of: sum)
        table.append { if weights > 0 { $0.append(weights) } }
        table.append { if let speed = perNanosecond(multiplyAdds, milliseconds) { $0.append(speed, decimals: 1) } }
    }

    private func appendShare(to table: inout TextColumns, _ part: Double?, of whole: Double) {
        table.append {
            guard let part, whole > 0 else { return }
            $0.append(100 * part / whole, decimals: 1)
            $0.append(" %")
        }
    }
}
