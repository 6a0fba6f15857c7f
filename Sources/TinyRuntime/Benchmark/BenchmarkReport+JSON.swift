// BenchmarkReport as one JSON object on a line; docs/devices.md says what each field means.

extension BenchmarkReport {
    public var jsonLine: TextBytes {
        var json = JSONText()
        json.openObject()
        file.withUnsafeBufferPointer { json.field("file", $0) }
        json.field("min_ms", result.runs.milliseconds(percent: 0), decimals: 4)
        json.field("median_ms", median, decimals: 4)
        json.field("p90_ms", result.runs.milliseconds(percent: 90), decimals: 4)
        json.field("p99_ms", result.runs.milliseconds(percent: 99), decimals: 4)
        json.field("max_ms", result.runs.milliseconds(percent: 100), decimals: 4)
        json.field("mean_ms", result.runs.meanMilliseconds, decimals: 4)
        json.field("runs", result.settings.runs)
        json.field("warmup", result.settings.warmup)
        json.field("threads", threads)
        json.field("isa", instructionSet.name)
        json.field("multiply_adds", work.multiplyAdds)
        json.field("gmac_per_s", perNanosecond(work.multiplyAdds, median), decimals: 2)
        json.field("file_bytes", model.fileBytes.count)
        json.field("arena_bytes", arenaBytes)
        json.field("activation_bytes", model.arenaBytes)
        if peakBytes > 0 { json.field("peak_rss_bytes", peakBytes) } else { json.null("peak_rss_bytes") }
        processor.withUnsafeBufferPointer { json.field("cpu", $0) }
        if showsSteps { appendSteps(to: &json) }
        json.closeObject()
        json.newline()
        return json.text
    }

    private func appendSteps(to json: inout JSONText) {
        let sums = stepSums
        json.field("bound_gmac_per_s", (bound?.multiplyAdds).map { $0 / 1e9 }, decimals: 2)
        json.field("bound_gb_per_s", (bound?.bytes).map { $0 / 1e9 }, decimals: 2)
        json.field("profiled_runs", result.steps?.runs ?? 0)
        json.field("steps_ms", sums.milliseconds, decimals: 6)
        json.openArray("steps")
        for (index, step) in steps.enumerated() {
            json.openObject()
            json.field("index", index)
            var name = TextBytes()
            step.appendName(to: &name, model)
            json.field("step", name)
            json.field("first_op", step.ops.lowerBound)
            json.field("ops", step.ops.count)
            json.openArray("output_shape")
            json.element(step.output.height)
            json.element(step.output.width)
            json.element(step.output.channels)
            json.closeArray()
            json.field("median_ms", step.medianMilliseconds, decimals: 6)
            json.field("min_ms", step.fastestMilliseconds, decimals: 6)
            json.field("share", sums.milliseconds > 0 ? step.medianMilliseconds / sums.milliseconds : nil, decimals: 6)
            json.field("multiply_adds", step.multiplyAdds)
            json.field("gmac_per_s", perNanosecond(step.multiplyAdds, step.medianMilliseconds), decimals: 2)
            json.field("weight_bytes", step.weightBytes)
            let least = bound.flatMap { step.least($0) }
            json.field("bound_ms", least?.milliseconds, decimals: 6)
            if let least { json.field("bound_by", least.by.name) } else { json.null("bound_by") }
            json.closeObject()
        }
        json.closeArray()
    }
}
