// PreprocessingError: contracts that no image, or not this image, can meet. Cases carry the numbers; words are the
// caller's.

public enum PreprocessingError: Error, Equatable, Sendable {
    /// The photo's sides must be within 1...`ImageResizer.maximumSourceSide`.
    case sourceSize(width: Int, height: Int)
    /// The resize's sides must be within 1...`ImageResizer.maximumTargetSide`.
    case resizeSize(width: Int, height: Int)
    /// The short side is one number: `resizeWidth` and `resizeHeight` must be equal.
    case shortSideDiffers(resizeWidth: Int, resizeHeight: Int)
    /// The crop must lie inside the resized image and hold at least one pixel.
    case cropSize(cropWidth: Int, cropHeight: Int, resizedWidth: Int, resizedHeight: Int)
    /// More than `ImageResizer.maximumOutputPixels`.
    case outputPixels(width: Int, height: Int)
    /// The system refused working memory.
    case outOfMemory
}
