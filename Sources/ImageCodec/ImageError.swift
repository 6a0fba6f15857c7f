// ImageError: why an image could not be had. What is wrong inside a file is said in the decoder's words; `file` adds
// the path.

import CImageShim
import TinyRuntime

package indirect enum ImageError: Error, Equatable, Sendable {
    case missing
    /// A folder, a device, no permission, a failed read, or too large a file.
    case unreadable(reason: String)
    case unknownFormat(reason: String)
    case truncated(reason: String)
    case damaged(reason: String)
    case unsupported(reason: String)
    /// More pixels, a longer side or more scans than allowed.
    case tooLarge(reason: String)
    case outOfMemory(reason: String)
    case badArgument(reason: String)
    case preprocessing(PreprocessingError)
    case file(path: String, ImageError)
}

extension ImageError {
    /// The error without its path.
    package var underlying: ImageError {
        if case .file(_, let error) = self { error.underlying } else { self }
    }

    init(_ status: image_status, _ reason: String) {
        switch status {
        case image_unknown_format: self = .unknownFormat(reason: reason)
        case image_truncated: self = .truncated(reason: reason)
        case image_unsupported: self = .unsupported(reason: reason)
        case image_too_large: self = .tooLarge(reason: reason)
        case image_out_of_memory: self = .outOfMemory(reason: reason)
        case image_bad_argument: self = .badArgument(reason: reason)
        default: self = .damaged(reason: reason)
        }
    }
}

extension ImageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missing: "no such file"
        case .unreadable(let reason): "could not be read: \(reason)"
        case .unknownFormat(let reason): "not an image: \(reason)"
        case .truncated(let reason): "truncated: \(reason)"
        case .damaged(let reason): "damaged: \(reason)"
        case .unsupported(let reason): "not supported: \(reason)"
        case .tooLarge(let reason): "too large: \(reason)"
        case .outOfMemory(let reason): "out of memory: \(reason)"
        case .badArgument(let reason): "bad argument: \(reason)"
        case .preprocessing(let error): "preprocessing is impossible: \(error)"
        case .file(let path, let error): "\(path): \(error)"
        }
    }
}

extension PreprocessingError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .sourceSize(let width, let height):
            "the photo is \(width)×\(height); sides from 1 to \(ImageResizer.maximumSourceSide) are allowed"
        case .resizeSize(let width, let height):
            "resize to \(width)×\(height); sides from 1 to \(ImageResizer.maximumTargetSide) are allowed"
        case .shortSideDiffers(let width, let height):
            "the short side is given as \(width) and as \(height); give one number"
        case .cropSize(let cropWidth, let cropHeight, let width, let height):
            "a crop of \(cropWidth)×\(cropHeight) does not fit in the resized photo's \(width)×\(height)"
        case .outputPixels(let width, let height):
            "\(width)×\(height) output pixels; at most \(ImageResizer.maximumOutputPixels) are allowed"
        case .outOfMemory: "not enough memory"
        }
    }
}
