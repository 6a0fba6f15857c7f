// Camera formats: against the standards' formulas in floating point, and against the RGB way once the pixels are RGB.

import CTinyKernels
import Testing
import TinyRuntime

@Suite struct CameraFrameTests {
    /// Y Cb Cr to R G B as ITU-R BT.601 (2.5.1) and BT.709 (3.2 ff.) define them, unrounded. kr, kb: the luma coefficients.
    private static func exact(_ y: UInt8, _ cb: UInt8, _ cr: UInt8, kr: Double, kb: Double, limited: Bool) -> [Double] {
        let luma = limited ? (Double(y) - 16) / 219 : Double(y) / 255
        let blue = limited ? (Double(cb) - 128) / 224 : (Double(cb) - 128) / 255
        let red = limited ? (Double(cr) - 128) / 224 : (Double(cr) - 128) / 255
        let r = luma + 2 * (1 - kr) * red
        let b = luma + 2 * (1 - kb) * blue
        let g = (luma - kr * r - kb * b) / (1 - kr - kb)
        return [r, g, b].map { min(255, max(0, 255 * $0)) }
    }

    private static let encodings: [(tinyrt_yuv_encoding, kr: Double, kb: Double, limited: Bool)] = [
        (TINYRT_BT601_LIMITED, 0.299, 0.114, true), (TINYRT_BT601_FULL, 0.299, 0.114, false),
        (TINYRT_BT709_LIMITED, 0.2126, 0.0722, true),
    ]

    /// A session whose preprocessing leaves pixels alone: 12×10, no resize.
    private final class Identity {
        var session: OpaquePointer?
        init(width: Int = 12, height: Int = 10) throws {
            var network = ModelFileBuilder()
            network.tensors = [
                .init(height: height, width: width, channels: 3, arenaOffset: 0),
                .init(height: 1, width: 1, channels: 3, arenaOffset: 1024),
            ]
            network.ops = [.init(code: .globalMaxPool, inputs: [0], output: 1)]
            network.resize = (width, height)
            network.crop = (width, height)
            let file = network.build().bytes
            var model: OpaquePointer?
            try #require(tinyrt_open_copy(file, file.count, &model, nil) == TINYRT_OK)
            defer { tinyrt_close(model) }
            try #require(tinyrt_session_open(model, nil, nil, 0, &session, nil) == TINYRT_OK)
        }
        deinit { tinyrt_session_close(session) }

        func preprocessed(_ image: tinyrt_image, bytes: Int) throws -> [UInt8] {
            var image = image
            var error = tinyrt_error()
            try #require(tinyrt_preprocess(session, &image, &error) == TINYRT_OK)
            return Array(UnsafeBufferPointer(start: tinyrt_input(session), count: bytes))
        }
    }

    @Test func yCbCrIsTheStandardsWithinHalfALevelOfRounding() throws {
        let identity = try Identity()
        var random = SplitMix64(seed: 31)
        for (encoding, kr, kb, limited) in Self.encodings {
            for _ in 0..<40 {
                let luma = (0..<120).map { _ in UInt8.random(in: 0...255, using: &random) }
                let chroma = (0..<60).map { _ in UInt8.random(in: 0...255, using: &random) }
                let rgb = try luma.withUnsafeBufferPointer { luma in
                    try chroma.withUnsafeBufferPointer { chroma in
                        try identity.preprocessed(
                            tinyrt_image(
                                format: TINYRT_NV12, encoding: encoding, width: 12, height: 10,
                                planes: (luma.baseAddress, chroma.baseAddress), row_bytes: (12, 12)), bytes: 360)
                    }
                }
                for y in 0..<10 {
                    for x in 0..<12 {
                        let pair = y / 2 * 12 + x / 2 * 2
                        let wanted = Self.exact(
                            luma[12 * y + x], chroma[pair], chroma[pair + 1], kr: kr, kb: kb, limited: limited)
                        for channel in 0..<3 {
                            let given = Double(rgb[3 * (12 * y + x) + channel])
                            // Coefficients are rounded to 2⁻¹⁷: at most 0.004 of a level beside the rounding itself.
                            #expect(abs(given - wanted[channel]) <= 0.505, "\(encoding) at \(x), \(y)")
                        }
                    }
                }
            }
        }
    }

    @Test func yuyvEqualsNV12WhereItsChromaIsRepeated() throws {
        let identity = try Identity()
        var random = SplitMix64(seed: 32)
        let luma = (0..<120).map { _ in UInt8.random(in: 0...255, using: &random) }
        let chroma = (0..<60).map { _ in UInt8.random(in: 0...255, using: &random) }
        // Rows with a gap of 5 bytes.
        var yuyv = [UInt8](repeating: 0xEE, count: 10 * 29)
        for y in 0..<10 {
            for x in 0..<12 {
                yuyv[29 * y + 2 * x] = luma[12 * y + x]
                yuyv[29 * y + 2 * x + 1] = chroma[y / 2 * 12 + x]
            }
        }
        let fromNV12 = try luma.withUnsafeBufferPointer { luma in
            try chroma.withUnsafeBufferPointer { chroma in
                try identity.preprocessed(
                    tinyrt_image(
                        format: TINYRT_NV12, encoding: TINYRT_BT709_LIMITED, width: 12, height: 10,
                        planes: (luma.baseAddress, chroma.baseAddress), row_bytes: (12, 12)), bytes: 360)
            }
        }
        let fromYUYV = try yuyv.withUnsafeBufferPointer { yuyv in
            try identity.preprocessed(
                tinyrt_image(
                    format: TINYRT_YUYV, encoding: TINYRT_BT709_LIMITED, width: 12, height: 10,
                    planes: (yuyv.baseAddress, nil), row_bytes: (29, 0)), bytes: 360)
        }
        #expect(fromNV12 == fromYUYV)
    }

    /// Each format through every way of the resizer, against the same picture given as RGB.
    @Test(arguments: [(40, 50), (13, 11), (12, 90), (7, 9), (300, 10), (1, 1)])
    func framesResizeAsTheirRGBDoes(width: Int, height: Int) throws {
        let identity = try Identity()
        var random = SplitMix64(seed: 33)
        let grey = (0..<width * height).map { _ in UInt8.random(in: 0...255, using: &random) }
        let evenWidth = (width + 1) / 2 * 2
        let chroma = (0..<evenWidth * ((height + 1) / 2)).map { _ in UInt8.random(in: 0...255, using: &random) }
        let matrix = ColourFormula(offset: 16, luma: 76309, crToRed: 104597, cbToGreen: -25675, crToGreen: -53279, cbToBlue: 132201)
        var greyRGB: [UInt8] = []
        var colourRGB: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                let luma = grey[width * y + x]
                greyRGB += [luma, luma, luma]
                let pair = y / 2 * evenWidth + x / 2 * 2
                colourRGB += matrix.rgb(luma, chroma[pair], chroma[pair + 1])
            }
        }
        func run(_ format: tinyrt_pixel_format, _ pixels: [UInt8], _ rowBytes: Int) throws -> [UInt8] {
            try pixels.withUnsafeBufferPointer { pixels in
                try chroma.withUnsafeBufferPointer { chroma in
                    try identity.preprocessed(
                        tinyrt_image(
                            format: format, encoding: TINYRT_BT601_LIMITED, width: UInt32(width), height: UInt32(height),
                            planes: (pixels.baseAddress, chroma.baseAddress), row_bytes: (rowBytes, evenWidth)), bytes: 360)
                }
            }
        }
        #expect(try run(TINYRT_GREY, grey, width) == run(TINYRT_RGB, greyRGB, 3 * width))
        #expect(try run(TINYRT_NV12, grey, width) == run(TINYRT_RGB, colourRGB, 3 * width))
    }

    /// docs/preprocessing.md's integers, written once more.
    private struct ColourFormula {
        let offset, luma, crToRed, cbToGreen, crToGreen, cbToBlue: Int
        func rgb(_ y: UInt8, _ cb: UInt8, _ cr: UInt8) -> [UInt8] {
            let base = luma * (Int(y) - offset)
            let (blue, red) = (Int(cb) - 128, Int(cr) - 128)
            return [base + crToRed * red, base + cbToGreen * blue + crToGreen * red, base + cbToBlue * blue].map {
                UInt8(clamping: Int((Double($0) / 65536 + 0.5).rounded(.down)))
            }
        }
    }

    @Test func refusesFramesThatDoNotFitTheirRows() throws {
        let identity = try Identity()
        let bytes = [UInt8](repeating: 0, count: 4096)
        bytes.withUnsafeBufferPointer { bytes in
            func status(
                _ format: UInt32, _ width: UInt32, _ height: UInt32, _ rows: (Int, Int), chroma: Bool = true,
                encoding: UInt32 = 0
            ) -> tinyrt_status {
                var image = tinyrt_image(
                    format: tinyrt_pixel_format(format), encoding: tinyrt_yuv_encoding(encoding), width: width,
                    height: height, planes: (bytes.baseAddress, chroma ? bytes.baseAddress : nil), row_bytes: rows)
                return tinyrt_preprocess(identity.session, &image, nil)
            }
            let nv12 = TINYRT_NV12.rawValue
            #expect(status(nv12, 13, 10, (13, 14)) == TINYRT_OK)
            #expect(status(nv12, 13, 10, (13, 13)) == TINYRT_BAD_IMAGE)
            #expect(status(nv12, 13, 10, (12, 14)) == TINYRT_BAD_IMAGE)
            #expect(status(nv12, 12, 10, (12, 12), chroma: false) == TINYRT_BAD_IMAGE)
            #expect(status(nv12, 12, 10, (12, Int.max)) == TINYRT_BAD_IMAGE)
            #expect(status(TINYRT_YUYV.rawValue, 12, 10, (24, 0)) == TINYRT_OK)
            #expect(status(TINYRT_YUYV.rawValue, 13, 10, (26, 0)) == TINYRT_BAD_IMAGE)
            #expect(status(TINYRT_YUYV.rawValue, 12, 10, (23, 0)) == TINYRT_BAD_IMAGE)
            #expect(status(TINYRT_GREY.rawValue, 12, 10, (11, 0)) == TINYRT_BAD_IMAGE)
            #expect(status(4, 12, 10, (36, 0)) == TINYRT_BAD_IMAGE)
            #expect(status(nv12, 12, 10, (12, 12), encoding: 3) == TINYRT_BAD_IMAGE)
        }
    }
}
