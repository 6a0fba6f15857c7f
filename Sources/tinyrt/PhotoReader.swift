// PhotoReader: a photo to the network's input pixels: decoded by the shim that the workstation uses too, then preprocessed.

import CDeviceShim
import CImageShim
import TinyRuntime

/// Why a photo was not classified, in words.
enum PhotoProblem {
    case missing(TextBytes)
    case unreadable(TextBytes)

    var words: TextBytes {
        switch self {
        case .missing(let words), .unreadable(let words): words
        }
    }

    var exitCode: Int32 {
        switch self {
        case .missing: ExitCode.missingInput
        case .unreadable: ExitCode.badData
        }
    }

    /// What the system says.
    init(_ error: Int32) {
        var words = TextBytes()
        words.append(system: device_error_text(error))
        self = device_is_missing(error) != 0 ? .missing(words) : .unreadable(words)
    }

    static func missing(_ words: StaticString) -> PhotoProblem { .missing(text(words)) }
    static func unreadable(_ words: StaticString) -> PhotoProblem { .unreadable(text(words)) }

    private static func text(_ words: StaticString) -> TextBytes {
        var text = TextBytes()
        text.append(words)
        return text
    }
}

enum PhotoReader {
    /// A photo's file is some megabytes; a gigabyte is a mistake.
    private static let sizeLimit = 1 << 30

    /// - Parameters:
    ///   - input: cropHeight × cropWidth × 3 bytes R G B.
    ///   - identity: which file was opened; untouched where none was.
    static func read(
        _ path: Argument, _ preprocessing: Preprocessing, into input: UnsafeMutablePointer<UInt8>,
        identity: inout device_identity
    ) -> PhotoProblem? {
        var file = device_file()
        // Not mapped: others may shorten a photo while it is read, and touching the lost pages of a mapping would end the process.
        let error = device_read(path.pointer, sizeLimit, &file)
        guard error == 0 else { return PhotoProblem(error) }
        defer { device_close(&file) }
        identity = file.identity
        return decode(file.bytes, count: file.count, preprocessing, into: input)
    }

    static func decode(
        _ bytes: UnsafePointer<UInt8>?, count: Int, _ preprocessing: Preprocessing,
        into input: UnsafeMutablePointer<UInt8>
    ) -> PhotoProblem? {
        let minimum = preprocessing.minimumDecodedSize
        var options = image_options()
        options.min_width = UInt32(minimum.width)
        options.min_height = UInt32(minimum.height)
        let messageBytes = Int(image_message_bytes)
        let message = UnsafeMutablePointer<CChar>.allocate(capacity: messageBytes)
        defer { message.deallocate() }
        let isJPEG = count >= 2 && bytes?[0] == 0xFF && bytes?[1] == 0xD8
        let (status, suits) =
            isJPEG
            ? rows(of: bytes, count, &options, preprocessing, input, message)
            : whole(bytes, count, &options, preprocessing, input, message)
        if status == image_ok && suits { return nil }
        var words = TextBytes()
        if status == image_truncated { words.append("truncated: ") }
        if status != image_ok {
            words.append(system: message)
        } else {
            words.append("its size does not suit the model's preprocessing")
        }
        return .unreadable(words)
    }

    /// A JPEG's rows go to the resize as they are decoded.
    private static func rows(
        of bytes: UnsafePointer<UInt8>?, _ count: Int, _ options: inout image_options, _ preprocessing: Preprocessing,
        _ input: UnsafeMutablePointer<UInt8>, _ message: UnsafeMutablePointer<CChar>
    ) -> (status: image_status, suits: Bool) {
        var reader: OpaquePointer?
        var geometry = image_geometry()
        let status = image_jpeg_open(bytes, count, &options, &reader, &geometry, message, Int(image_message_bytes))
        guard status == image_ok else { return (status, true) }
        var suits = false
        do {
            let preprocessor = try ImagePreprocessor(
                preprocessing, sourceWidth: Int(geometry.width), sourceHeight: Int(geometry.height),
                orientation: Int(geometry.orientation))
            let rows = ImageRows(context: UnsafeMutableRawPointer(reader)) { image_jpeg_row($0.map { OpaquePointer($0) }, $1) }
            // Where rows end early, closing says why.
            _ = preprocessor.run(rows: rows, output: input)
            suits = true
        } catch {}
        return (image_jpeg_close(reader), suits)
    }

    private static func whole(
        _ bytes: UnsafePointer<UInt8>?, _ count: Int, _ options: inout image_options, _ preprocessing: Preprocessing,
        _ input: UnsafeMutablePointer<UInt8>, _ message: UnsafeMutablePointer<CChar>
    ) -> (status: image_status, suits: Bool) {
        var image = image_rgb()
        let status = image_decode(bytes, count, &options, &image, message, Int(image_message_bytes))
        guard status == image_ok, let pixels = image.pixels else { return (status, true) }
        defer { image_free(&image) }
        do {
            let preprocessor = try ImagePreprocessor(
                preprocessing, sourceWidth: Int(image.width), sourceHeight: Int(image.height))
            preprocessor.run(source: pixels, sourceRowBytes: 3 * Int(image.width), output: input)
            return (status, true)
        } catch {
            return (status, false)
        }
    }
}
