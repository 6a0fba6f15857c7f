// ExitCodes: which exit code an error of ours becomes. 65 bad data, 66 missing input, 74 output not written, 1 the rest.

import ArgumentParser
import ModelGraph

extension ExitCode {
    static let badData = ExitCode(65)
    static let missingInput = ExitCode(66)
    static let outputNotWritten = ExitCode(74)

    /// nil for errors that ArgumentParser reports itself (usage, help).
    init?(of error: any Error) {
        switch error {
        case let error as FileError:
            switch error {
            case .missing: self = .missingInput
            case .unreadable: self = .badData
            case .notWritten: self = .outputNotWritten
            }
        case is SafetensorsError: self = .badData
        default: return nil
        }
    }
}
