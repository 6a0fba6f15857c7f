// PhotoReader: a photo file to the network's input pixels: decoded by the shim that the workstation uses too, then preprocessed.

import CDeviceShim
import CImageShim
import TinyRuntime

enum PhotoReader {
    enum Outcome { case done, missing, unreadable }

    /// A photo's file is some megabytes; a gigabyte is a mistake.
    private static let sizeLimit = 1 << 30

    /// Says on standard error what is wrong.
    static func read(_ path: Argument, into session: Session) -> Outcome {
        var file = device_file()
        let error = device_read(path.pointer, sizeLimit, &file)
        guard error == 0 else {
            Output.complain(path.bytes, device_error_text(error))
            return device_is_missing(error) != 0 ? .missing : .unreadable
        }
        defer { device_close(&file) }

        let preprocessing = session.model.edge.preprocessing
        let minimum = preprocessing.minimumDecodedSize
        var options = image_options()
        options.min_width = UInt32(minimum.width)
        options.min_height = UInt32(minimum.height)
        var image = image_rgb()
        let messageBytes = Int(image_message_bytes)
        let message = UnsafeMutablePointer<CChar>.allocate(capacity: messageBytes)
        defer { message.deallocate() }
        guard image_decode(file.bytes, file.count, &options, &image, message, messageBytes) == image_ok else {
            Output.complain(path.bytes, message)
            return .unreadable
        }
        defer { image_free(&image) }
        guard let pixels = image.pixels, let input = session.input.baseAddress else { return .unreadable }
        do {
            let preprocessor = try ImagePreprocessor(
                preprocessing, sourceWidth: Int(image.width), sourceHeight: Int(image.height))
            preprocessor.run(source: pixels, sourceRowBytes: 3 * Int(image.width), output: input)
        } catch {
            var why = TextBytes()
            why.append("its size does not suit the model's preprocessing")
            Output.complain(path.bytes, why)
            return .unreadable
        }
        return .done
    }
}
