// `--isa`: the kernels' instruction set by its name in the runtime.

import ArgumentParser
import TinyRuntime

extension InstructionSet: ExpressibleByArgument {
    public init?(argument: String) {
        guard let found = Self.allCases.first(where: { $0.argument == argument }) else { return nil }
        self = found
    }

    public static var allValueStrings: [String] { allCases.map(\.argument) }
    public var defaultValueDescription: String { argument }

    private var argument: String { name.withUTF8Buffer { String(decoding: $0, as: UTF8.self) } }
}
