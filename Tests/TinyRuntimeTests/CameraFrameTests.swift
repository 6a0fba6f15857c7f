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
}
