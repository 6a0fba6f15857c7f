// tinyrt info: what a model is, in the words of its header.

import TinyRuntime

enum InfoCommand {
    private static let help: StaticString = """
        tinyrt info MODEL.tiny [--json]

        Prints a model's sizes, classes and memory. Example:

          tinyrt info birds.tiny

        """

    static func run(_ arguments: inout Arguments) -> Int32 {
        var path: Argument?
        var json = false
        while let word = arguments.next() {
            if word == "--help" || word == "-h" { return Command.help(help) }
            if word == "--json" {
                json = true
            } else if word.isOption {
                return Output.usageError("unknown option", word)
            } else if path == nil {
                path = word
            } else {
                return Output.usageError("one model at a time; what is", word)
            }
        }
        guard let path else { return Output.usageError("a model is missing: tinyrt info MODEL.tiny") }
        var exitCode = ExitCode.done
        guard let model = ModelFile.open(path, exitCode: &exitCode) else { return exitCode }
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
        var text = TextBytes()
        text.append("{\"file\":")
        text.append(json: path.bytes)
        text.append(",\"format_version\":")
        text.append(edge.version)
        text.append(",\"checksum\":\"")
        text.append(hexadecimal: edge.checksum, digits: 16)
        text.append("\",\"file_bytes\":")
        text.append(edge.fileBytes.count)
        text.append(",\"ops\":")
        text.append(edge.ops.count)
        text.append(",\"input_width\":")
        text.append(edge.inputWidth)
        text.append(",\"input_height\":")
        text.append(edge.inputHeight)
        text.append(",\"classes\":")
        text.append(edge.classCount)
        text.append(",\"labels\":")
        text.append(edge.labelCount)
        text.append(",\"arena_bytes\":")
        text.append(arena)
        text.append(",\"isa\":\"")
        text.append(InstructionSet.best.name)
        text.append("\",\"rejection_threshold\":")
        text.append(Double(edge.rejectionThreshold), decimals: 6)
        text.append("}\n")
        return text
    }
}
