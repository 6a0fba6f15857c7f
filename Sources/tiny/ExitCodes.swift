// ExitCodes: which exit code an error of ours becomes. 65 bad data, 66 missing input, 74 output not written, 1 the rest.

import ArgumentParser
import Converter
import ImageCodec
import ModelGraph
import TinyRuntime
import Trainer

extension ExitCode {
    static let usage = ExitCode.validationFailure  // 64
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
        case is SafetensorsError, is ONNXError, is GraphError, is MetadataError, is NPYError: self = .badData
        case is DatasetError, is CheckpointError, is PretrainedWeightsError: self = .badData
        case is ImageError: self = .badData
        case let error as ModelError:
            switch error {
            case .selfTestFailed, .selfTestOutputDiffers, .instructionSetUnavailable: self = .failure
            default: self = .badData
            }
        case is RecipeError, is NetworkConfigurationError: self = .usage
        case let error as TrainingError:
            switch error {
            case .runExists, .differentRecipe: self = .usage
            case .nothingToResume: self = .missingInput
            case .differentPhotos: self = .badData
            case .diverged, .interrupted: self = .failure
            }
        case let error as ConversionError:
            switch error {
            case .missingPreprocessing, .badPreprocessing: self = .usage
            case .noCalibrationImages(0), .noEvaluationImages(0): self = .missingInput
            case .refusedByRuntime, .agreementTooLow: self = .failure
            default: self = .badData
            }
        default: return nil
        }
    }
}
