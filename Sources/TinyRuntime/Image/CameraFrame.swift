// CameraFrame: pixels as cameras give them (RGB, grey, NV12, YUYV), and their conversion to RGB, a row at a time. Chroma is repeated, not
// interpolated; the matrix is integers with 16 fractional bits. docs/preprocessing.md says both exactly. Left out: 10-bit kinds, planar
// 4:2:0, Bayer mosaics, and turning the picture.

import CTinyKernels

public struct CameraFrame {
    public enum Format: Sendable {
        /// 3 bytes a pixel, R G B
        case rgb
        /// 1 byte a pixel
        case grey
        /// A plane of Y, and one of Cb Cr pairs, each for 2×2 pixels
        case nv12
        /// Y0 Cb Y1 Cr for each two pixels of a row; even widths
        case yuyv
    }

    /// How Y Cb Cr stand for colours.
    public enum Encoding: Sendable {
        /// ITU-R BT.601, Y 16…235: what most cameras and V4L2 give at standard definition
        case bt601Limited
        /// ITU-R BT.601, 0…255: JPEG's, and so a webcam's decoded MJPEG
        case bt601Full
        /// ITU-R BT.709, Y 16…235: high definition video
        case bt709Limited
    }

    public var format: Format
    /// Of NV12 and YUYV; the others have none.
    public var encoding: Encoding
    public var width: Int
    public var height: Int
    /// RGB, grey, YUYV: the pixels; NV12: Y.
    public var pixels: UnsafePointer<UInt8>
    public var rowBytes: Int
    /// NV12: Cb Cr; ⌈height/2⌉ rows of 2·⌈width/2⌉ bytes.
    public var chroma: UnsafePointer<UInt8>?
    public var chromaRowBytes: Int

    public init(
        format: Format, encoding: Encoding = .bt601Limited, width: Int, height: Int, pixels: UnsafePointer<UInt8>,
        rowBytes: Int, chroma: UnsafePointer<UInt8>? = nil, chromaRowBytes: Int = 0
    ) {
        self.format = format
        self.encoding = encoding
        self.width = width
        self.height = height
        self.pixels = pixels
        self.rowBytes = rowBytes
        self.chroma = chroma
        self.chromaRowBytes = chromaRowBytes
    }

    /// Whether sides, rows and planes fit each other.
    public var isSound: Bool {
        let sides = 1...ImageResizer.maximumSourceSide
        guard sides.contains(width), sides.contains(height), rowBytes <= Int.max / height else { return false }
        switch format {
        case .rgb: return rowBytes >= 3 * width
        case .grey: return rowBytes >= width
        case .nv12: return rowBytes >= width && chroma != nil && chromaRowBytes >= (width + 1) / 2 * 2
            && chromaRowBytes <= Int.max / height
        case .yuyv: return width % 2 == 0 && rowBytes >= 2 * width
        }
    }
}

/// A frame's rows as RGB.
final class CameraRows {
    private let frame: CameraFrame
    private let matrix: ColourMatrix
    private let converted: UnsafeMutablePointer<UInt8>

    /// - Throws: `PreprocessingError.outOfMemory`.
    init(_ frame: CameraFrame) throws(PreprocessingError) {
        guard let block = tk_allocate(3 * frame.width) else { throw .outOfMemory }
        self.frame = frame
        matrix = ColourMatrix(frame.encoding)
        converted = block.bindMemory(to: UInt8.self, capacity: 3 * frame.width)
    }

    deinit { tk_free(converted) }

    static let function: ImageRows.Function = { context, index in
        context.map { Unmanaged<CameraRows>.fromOpaque($0).takeUnretainedValue().row(index) }
    }

    private func row(_ index: Int) -> UnsafePointer<UInt8> {
        let source = frame.pixels + index * frame.rowBytes
        switch frame.format {
        case .rgb:
            return source
        case .grey:
            for x in 0..<frame.width {
                for channel in 0..<3 { converted[3 * x + channel] = source[x] }
            }
        case .nv12:
            guard let chroma = frame.chroma else { break }
            let pairs = chroma + index / 2 * frame.chromaRowBytes
            for x in 0..<frame.width {
                matrix.convert(source[x], pairs[x / 2 * 2], pairs[x / 2 * 2 + 1], to: converted + 3 * x)
            }
        case .yuyv:
            for x in 0..<frame.width {
                let pair = source + x / 2 * 4
                matrix.convert(source[2 * x], pair[1], pair[3], to: converted + 3 * x)
            }
        }
        return UnsafePointer(converted)
    }
}

/// Y Cb Cr to R G B: each coefficient times 2¹⁶, rounded to nearest; the exact sum plus one half, shifted down, clamped to a byte.
struct ColourMatrix {
    let offset, luma, crToRed, cbToGreen, crToGreen, cbToBlue: Int32

    init(_ encoding: CameraFrame.Encoding) {
        switch encoding {
        case .bt601Limited:
            (offset, luma, crToRed, cbToGreen, crToGreen, cbToBlue) = (16, 76309, 104597, -25675, -53279, 132201)
        case .bt601Full:
            (offset, luma, crToRed, cbToGreen, crToGreen, cbToBlue) = (0, 65536, 91881, -22553, -46802, 116130)
        case .bt709Limited:
            (offset, luma, crToRed, cbToGreen, crToGreen, cbToBlue) = (16, 76309, 117489, -13975, -34925, 138438)
        }
    }

    @inline(__always)
    func convert(_ y: UInt8, _ cb: UInt8, _ cr: UInt8, to rgb: UnsafeMutablePointer<UInt8>) {
        let grey = luma &* (Int32(y) &- offset) &+ 32768
        let (cb, cr) = (Int32(cb) &- 128, Int32(cr) &- 128)
        rgb[0] = Self.byte(grey &+ crToRed &* cr)
        rgb[1] = Self.byte(grey &+ cbToGreen &* cb &+ crToGreen &* cr)
        rgb[2] = Self.byte(grey &+ cbToBlue &* cb)
    }

    @inline(__always)
    private static func byte(_ sum: Int32) -> UInt8 { UInt8(truncatingIfNeeded: max(0, min(255, sum >> 16))) }
}
