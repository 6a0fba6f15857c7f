// Preprocessing: the contract that turns a photo into the network's input pixels. It travels in the model file, so that
// training, calibration, evaluation and device see the same bytes. Mean and standard deviation are not here: the
// converter folds them into the first convolution, and the network's input is the photo's RGB bytes as they are.

public enum ResizeMode: UInt8, Sendable {
    /// Width and height are set as given; the aspect ratio is not kept.
    case squash = 0
    /// The short side is set to `resizeWidth` (= `resizeHeight`); the long side follows, rounded down, as torchvision's
    /// Resize(int) does.
    case shortSide = 1
}

public enum ResizeFilter: UInt8, Sendable {
    case bilinear = 0
    case bicubic = 1
}

/// EXIF orientation → resize → centre crop → RGB bytes (H×W×3).
public struct Preprocessing: Equatable, Sendable {
    public var resizeMode: ResizeMode
    public var filter: ResizeFilter
    /// Let libjpeg scale by n/8 while both sides stay at least twice the resize's target.
    public var decodeScaling: Bool
    public var resizeWidth: Int
    public var resizeHeight: Int
    /// The network's input size; at most the resized image's.
    public var cropWidth: Int
    public var cropHeight: Int

    public init(
        resizeMode: ResizeMode, filter: ResizeFilter = .bilinear, decodeScaling: Bool = false,
        resizeWidth: Int, resizeHeight: Int, cropWidth: Int, cropHeight: Int
    ) {
        self.resizeMode = resizeMode
        self.filter = filter
        self.decodeScaling = decodeScaling
        self.resizeWidth = resizeWidth
        self.resizeHeight = resizeHeight
        self.cropWidth = cropWidth
        self.cropHeight = cropHeight
    }
}
