// BenchmarkReport as a trace in the Trace Event Format's JSON (complete events, `ph` X), which Perfetto and chrome://tracing open: the last
// runs whose steps were timed, each a bar with its steps below. Times are microseconds from the first of them. It shows the thread that
// called; what the session's other threads did inside a step, it does not.

extension BenchmarkReport {
    private static let tracedRuns = 10

    /// Without steps' times: no events.
    public var trace: TextBytes {
        var json = JSONText()
        json.openObject()
        json.field("displayTimeUnit", "ns")
        json.openArray("traceEvents")
        if let times = result.steps {
            var thread = TextBytes()
            thread.append(instructionSet.name)
            thread.append(threads == 1 ? " kernels, the only thread" : " kernels, the calling thread of ")
            if threads > 1 { thread.append(threads) }
            var process = TextBytes()
            file.withUnsafeBufferPointer { process.append($0) }
            append(label: "process_name", process, to: &json)
            append(label: "thread_name", thread, to: &json)
            let names = steps.indices.map { name(ofStep: $0) }
            let first = max(times.runs - Self.tracedRuns, 0)
            let origin = times.end(ofStep: -1, run: first)
            for run in first..<times.runs {
                var name = TextBytes()
                name.append("run ")
                name.append(run)
                let start = times.end(ofStep: -1, run: run)
                append(name, from: start - origin, to: times.end(ofStep: steps.count - 1, run: run) - origin, to: &json) {
                    $0.field("multiply_adds", work.multiplyAdds)
                }
                for (index, step) in steps.enumerated() {
                    let start = times.end(ofStep: index - 1, run: run)
                    append(names[index], from: start - origin, to: times.end(ofStep: index, run: run) - origin, to: &json) {
                        var shape = TextBytes()
                        step.appendShape(to: &shape)
                        $0.field("output", shape)
                        $0.field("multiply_adds", step.multiplyAdds)
                        $0.field("weight_bytes", step.weightBytes)
                    }
                }
            }
        }
        json.closeArray()
        json.closeObject()
        json.newline()
        return json.text
    }

    /// What the viewer writes beside the bars.
    private func append(label: StaticString, _ text: TextBytes, to json: inout JSONText) {
        json.openObject()
        json.field("ph", "M")
        json.field("name", label)
        json.field("pid", 1)
        json.field("tid", 1)
        json.openObject("args")
        json.field("name", text)
        json.closeObject()
        json.closeObject()
    }

    private func name(ofStep index: Int) -> TextBytes {
        var name = TextBytes()
        name.append(index)
        name.append(" ")
        steps[index].appendName(to: &name, model)
        return name
    }

    /// - Parameters:
    ///   - start, end: nanoseconds.
    ///   - fill: what the viewer shows of the event beside its times.
    private func append(
        _ name: TextBytes, from start: UInt64, to end: UInt64, to json: inout JSONText, fill: (inout JSONText) -> Void
    ) {
        json.openObject()
        json.field("ph", "X")
        json.field("name", name)
        json.field("pid", 1)
        json.field("tid", 1)
        json.field("ts", Double(start) / 1e3, decimals: 3)
        json.field("dur", Double(end - start) / 1e3, decimals: 3)
        json.openObject("args")
        fill(&json)
        json.closeObject()
        json.closeObject()
    }
}
