// ONNXExternalData: values that lie in a file beside the model. Only regular files inside the model's folder are opened,
// wherever links in between lead; ranges are held against the file's size before memory is taken, and all ranges of a
// file together may not be longer than the file, so that a small file cannot be read a thousand times.

import Foundation

struct ONNXExternalData {
    static let accepted = "a path relative to the model's folder that stays inside it"

    /// The model's; nil where the model did not come from a path.
    let folder: String?
    private var unread: [String: Int] = [:]
    private var total = 0

    init(folder: String?) { self.folder = folder }

    /// - Parameter count: bytes that the tensor's shape and type need.
    mutating func bytes(of tensor: Onnx_TensorProto, name: String, count: Int) throws -> Data {
        func bad(_ reason: String) -> ONNXError { .badTensor(name: name, reason: reason) }
        guard let folder else {
            throw bad("its values lie in another file; open the model by its path, or save it as one file")
        }
        var entries: [String: String] = [:]
        for entry in tensor.externalData { entries[entry.key] = entry.value }
        guard let location = entries["location"], !location.isEmpty else {
            throw bad("it does not say in which file its values lie")
        }
        func number(_ key: String, _ absent: Int) throws -> Int {
            guard let text = entries[key] else { return absent }
            guard let value = Int(text), value >= 0 else { throw bad("its \(key) '\(text)' is not a number of bytes") }
            return value
        }
        let offset = try number("offset", 0)
        let length = try number("length", count)
        guard length == count else { throw bad("\(length) bytes in '\(location)', its shape needs \(count)") }

        guard !location.utf8.contains(0), !location.hasPrefix("/"), !location.split(separator: "/").contains(".."),
            let root = Self.realPath(folder.isEmpty ? "." : folder)
        else { throw bad("its file '\(location)' is not \(Self.accepted)") }
        guard let path = Self.realPath(root + "/" + location) else {
            throw bad("its file '\(location)' is not there: put it beside the model")
        }
        guard path.hasPrefix(root == "/" ? root : root + "/") else {
            throw bad("its file '\(location)' is not \(Self.accepted)")
        }
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            throw bad("its file '\(location)' cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw bad("its file '\(location)' is not a regular file")
        }
        let size = Int(status.st_size)
        guard offset <= size, length <= size - offset else {
            throw bad(
                "bytes \(offset)…\(offset.addingReportingOverflow(length).partialValue) of '\(location)', which has \(size)"
            )
        }
        let left = unread[path] ?? size
        guard length <= left else { throw bad("its range of '\(location)' overlaps those of other tensors") }
        unread[path] = left - length
        total += length
        guard total <= ONNXSizeCheck.fileLimit else {
            throw ONNXError.tooLarge(what: "bytes of external data", count: total, limit: ONNXSizeCheck.fileLimit)
        }
        return try Self.read(file, offset: offset, count: length) ?? { throw bad("'\(location)' cannot be read") }()
    }

    private static func read(_ file: Int32, offset: Int, count: Int) -> Data? {
        var data = Data(count: count)
        let done = data.withUnsafeMutableBytes { buffer -> Int in
            var done = 0
            while done < count, let base = buffer.baseAddress {
                let step = pread(file, base + done, count - done, off_t(offset + done))
                if step < 0 && errno == EINTR { continue }
                if step <= 0 { break }
                done += step
            }
            return done
        }
        return done == count ? data : nil
    }

    private static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
