// Loading: file bytes to a model, in tests.

import TinyRuntime

func load(_ file: [UInt8]) throws(ModelError) -> Model {
    // withUnsafeBytes rethrows untyped errors only: carry the outcome out as a value.
    let outcome: Result<Model, ModelError> = file.withUnsafeBytes { bytes in
        do throws(ModelError) {
            return .success(try Model(copying: bytes))
        } catch {
            return .failure(error)
        }
    }
    return try outcome.get()
}

/// What the loader says about `file`; nil where it accepts it.
func refusal(_ file: [UInt8]) -> ModelError? {
    do {
        _ = try load(file)
        return nil
    } catch {
        return error
    }
}

extension Session {
    func setInput(_ pixels: [UInt8]) { for (index, byte) in pixels.enumerated() { input[index] = byte } }
}

extension StaticString {
    var text: String { withUTF8Buffer { String(decoding: $0, as: UTF8.self) } }
}
