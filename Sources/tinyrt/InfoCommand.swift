// tinyrt info: what a model is, in the words of its header.

import TinyRuntime

enum InfoCommand {
    static let syntax = Syntax(
        command: "info",
        help: """
            tinyrt info MODEL.tiny... [--json]

            Prints each model's sizes, classes and memory. Example:

              tinyrt info birds.tiny

            """,
        options: [.json], names: 1...Int.max, missing: "a model is missing: tinyrt info MODEL.tiny")

    static func run(_ options: Options) -> Int32 {
        var worst = ExitCode.done
        for path in options.names {
            let exitCode = show(path, json: options.json)
            if exitCode == ExitCode.outputNotWritten { return exitCode }
            worst = ExitCode.worse(worst, exitCode)
        }
        return worst
    }

    private static func show(_ path: Argument, json: Bool) -> Int32 {
        var exitCode = ExitCode.done
        guard let (model, _) = ModelFile.open(path, exitCode: &exitCode) else { return exitCode }
        var arena = 0
        do {
            arena = try Session.arenaBytes(for: model)
        } catch {
            ModelFile.complain(path, error)
            return ExitCode.failure
        }
        let text = json ? jsonLine(path, model.edge, arena) : lines(path, model.edge, arena)
        return Output.print(text) ? ExitCode.done : ExitCode.outputNotWritten
    }

    private static func lines(_ path: Argument, _ edge: EdgeModel, _ arena: Int) -> TextBytes {
        var text = TextBytes()
        text.append(visible: path.bytes)
        text.append(": .tiny version ")
        text.append(edge.version)
        text.append(", checksum ")
        text.append(hexadecimal: edge.checksum, digits: 16)
        text.append("\nfile       ")
        text.append(edge.fileBytes.count)
        text.append(" bytes, ")
        text.append(edge.ops.count)
        text.append(" ops\ninput      ")
        text.append(edge.inputWidth)
        text.append("×")
        text.append(edge.inputHeight)
        text.append(" RGB\nclasses    ")
        text.append(edge.classCount)
        text.append(edge.labelCount > 0 ? ", with labels\nmemory     " : ", without labels\nmemory     ")
        text.append(arena)
        text.append(" bytes with the ")
        text.append(InstructionSet.best.name)
        text.append(" kernels\nrejection  ")
        if edge.rejectionThreshold > 0 {
            text.append("below ")
            text.append(Double(edge.rejectionThreshold) * 100, decimals: 2)
            text.append(" %\n")
        } else {
            text.append("never\n")
        }
        return text
    }

    private static func jsonLine(_ path: Argument, _ edge: EdgeModel, _ arena: Int) -> TextBytes {
        var json = JSONText()
        json.openObject()
        json.field("file", path.bytes)
        json.field("format_version", edge.version)
        json.field("checksum", hexadecimal: edge.checksum, digits: 16)
        json.field("file_bytes", edge.fileBytes.count)
        json.field("ops", edge.ops.count)
        json.field("input_width", edge.inputWidth)
        json.field("input_height", edge.inputHeight)
        json.field("classes", edge.classCount)
        json.field("labels", edge.labelCount)
        json.field("arena_bytes", arena)
        json.field("isa", InstructionSet.best.name)
        json.field("rejection_threshold", Double(edge.rejectionThreshold), decimals: 6)
        json.closeObject()
        json.newline()
        return json.text
    }
}
