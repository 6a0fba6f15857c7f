// ImagePreprocessor: carries out a Preprocessing on decoded RGB pixels: resize, then centre crop. The same code on the
// workstation and on the device. Decode scaling happens before it, in the decoder, as does turning by the orientation where
// a whole photo is decoded; mean and standard deviation come after it, in the network.

public struct ImagePreprocessor: ~Copyable {
    private let resizer: ImageResizer

    /// Prepares for photos of one size.
    ///
    /// - Parameters:
    ///   - sourceWidth, sourceHeight: of the photo's rows as they come: after decode scaling, before it is turned.
    ///   - orientation: EXIF's, 1…8; 1 for a photo that is turned already.
    /// - Throws: `PreprocessingError`: the contract is impossible, or this photo cannot meet it.
    public init(
        _ preprocessing: Preprocessing, sourceWidth: Int, sourceHeight: Int, orientation: Int = 1
    ) throws(PreprocessingError) {
        try preprocessing.validate()
        guard
            (1...ImageResizer.maximumSourceSide).contains(sourceWidth),
            (1...ImageResizer.maximumSourceSide).contains(sourceHeight)
        else { throw .sourceSize(width: sourceWidth, height: sourceHeight) }
        let resized =
            orientation >= 5
            ? preprocessing.resizedSize(sourceWidth: sourceHeight, sourceHeight: sourceWidth)
            : preprocessing.resizedSize(sourceWidth: sourceWidth, sourceHeight: sourceHeight)
        let width = preprocessing.cropWidth
        let height = preprocessing.cropHeight
        resizer = try ImageResizer(
            sourceWidth: sourceWidth, sourceHeight: sourceHeight, resizedWidth: resized.width,
            resizedHeight: resized.height,
            filter: preprocessing.filter, x: Self.centre(resized.width - width),
            y: Self.centre(resized.height - height),
            width: width, height: height, orientation: orientation)
    }

    /// Preprocesses one photo. Uses working memory of this value: one call at a time.
    ///
    /// - Parameters:
    ///   - source: sourceHeight rows of sourceWidth × 3 bytes R G B, `sourceRowBytes` apart.
    ///   - output: cropHeight × cropWidth × 3 bytes R G B, without gaps; must not overlap the source.
    public func run(source: UnsafePointer<UInt8>, sourceRowBytes: Int, output: UnsafeMutablePointer<UInt8>) {
        resizer.run(source: source, sourceRowBytes: sourceRowBytes, output: output)
    }

    /// The same from a camera's frame, converted to RGB a row at a time (docs/preprocessing.md).
    ///
    /// - Parameter frame: of the size given to `init`; `frame.isSound` holds.
    /// - Throws: `PreprocessingError.outOfMemory`: no row could be allocated.
    public func run(frame: CameraFrame, output: UnsafeMutablePointer<UInt8>) throws(PreprocessingError) {
        let camera = try CameraRows(frame)
        _ = run(rows: ImageRows(context: Unmanaged.passUnretained(camera).toOpaque(), CameraRows.function), output: output)
        withExtendedLifetime(camera) {}
    }

    /// The same from rows that come one at a time, so that no decoded photo need exist.
    ///
    /// - Returns: false where `rows` had none to give; what was written then means nothing.
    public func run(rows: ImageRows, output: UnsafeMutablePointer<UInt8>) -> Bool { resizer.run(rows: rows, output: output) }

    /// Half the room that a crop leaves, an odd half rounded to even: where torchvision's CenterCrop puts it.
    private static func centre(_ room: Int) -> Int {
        let half = room / 2
        return room % 2 == 0 ? half : half + half % 2
    }
}

extension Preprocessing {
    /// Checks what does not depend on a photo.
    ///
    /// - Throws: `PreprocessingError.resizeSize`, `.shortSideDiffers`, `.cropSize`, `.outputPixels`.
    public func validate() throws(PreprocessingError) {
        let sides = 1...ImageResizer.maximumTargetSide
        guard sides.contains(resizeWidth), sides.contains(resizeHeight) else {
            throw .resizeSize(width: resizeWidth, height: resizeHeight)
        }
        if resizeMode == .shortSide && resizeWidth != resizeHeight {
            throw .shortSideDiffers(resizeWidth: resizeWidth, resizeHeight: resizeHeight)
        }
        // With a short side, a long crop can still fit some photos; the short side of the crop must fit all.
        let fits =
            resizeMode == .squash
            ? cropWidth <= resizeWidth && cropHeight <= resizeHeight : min(cropWidth, cropHeight) <= resizeWidth
        guard cropWidth > 0, cropHeight > 0, fits else {
            throw .cropSize(
                cropWidth: cropWidth, cropHeight: cropHeight, resizedWidth: resizeWidth, resizedHeight: resizeHeight)
        }
        guard cropWidth <= ImageResizer.maximumOutputPixels / cropHeight else {
            throw .outputPixels(width: cropWidth, height: cropHeight)
        }
    }

    /// The size that a photo is resized to, before the crop. Sides must be within 1...`ImageResizer.maximumSourceSide`.
    public func resizedSize(sourceWidth: Int, sourceHeight: Int) -> (width: Int, height: Int) {
        switch resizeMode {
        case .squash:
            return (resizeWidth, resizeHeight)
        case .shortSide:
            let short = resizeWidth
            return sourceWidth <= sourceHeight
                ? (short, short * sourceHeight / sourceWidth) : (short * sourceWidth / sourceHeight, short)
        }
    }

    /// What the decoder may scale a photo down to, by n/8: both sides stay at least twice `resizeWidth` and
    /// `resizeHeight`. Pass it to the shim's `min_width` and `min_height`. (0, 0), full size, where `decodeScaling` is
    /// off.
    public var minimumDecodedSize: (width: Int, height: Int) {
        decodeScaling ? (resizeWidth * 2, resizeHeight * 2) : (0, 0)
    }
}
