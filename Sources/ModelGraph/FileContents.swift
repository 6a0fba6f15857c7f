// FileContents: whole files in and out. Writing is atomic: a temporary file beside the target is written, flushed to
// the disk and renamed over it, so that a reader, a full disk or a lost power supply never sees half a file.

import Foundation

package enum FileContents {
    /// Largest file read: a network's file is far smaller, and a device file or a wrong path must not fill the memory.
    package static let sizeLimit = 2 << 30

    /// - Throws: `FileError.missing` or `.unreadable`.
    package static func read(_ path: String) throws -> Data {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw errno == ENOENT ? FileError.missing(path: path) : .unreadable(path: path, reason: reason(errno))
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw FileError.unreadable(path: path, reason: reason(errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError.unreadable(path: path, reason: "it is not a regular file")
        }
        guard status.st_size <= sizeLimit else {
            throw FileError.unreadable(path: path, reason: "\(status.st_size) bytes, more than \(sizeLimit)")
        }
        var data = Data(count: Int(status.st_size))
        let count = try data.withUnsafeMutableBytes { buffer -> Int in
            var done = 0
            while done < buffer.count, let base = buffer.baseAddress {
                let count = Foundation.read(file, base + done, buffer.count - done)
                if count < 0 && errno == EINTR { continue }
                guard count >= 0 else { throw FileError.unreadable(path: path, reason: reason(errno)) }
                if count == 0 { break }
                done += count
            }
            return done
        }
        return data.prefix(count)
    }

    /// A file's contents as `parse` understands them.
    ///
    /// - Throws: `FileError`; what `parse` throws becomes `.unreadable`, so that it carries the path.
    package static func read<Contents>(_ path: String, as parse: (Data) throws -> Contents) throws -> Contents {
        let data = try read(path)
        do {
            return try parse(data)
        } catch {
            throw FileError.unreadable(path: path, reason: "\(error)")
        }
    }

    /// What would keep `write` from working, before the minutes of work whose result it is.
    ///
    /// - Throws: `FileError.notWritten`.
    package static func checkIsWritable(_ path: String) throws {
        var status = stat()
        // A file that is renamed over a device or a folder's name would take its place.
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw FileError.notWritten(path: path, reason: "it is not a regular file")
        }
        let folder = (path as NSString).deletingLastPathComponent
        guard access(folder.isEmpty ? "." : folder, W_OK) == 0 else {
            throw FileError.notWritten(path: path, reason: reason(errno))
        }
    }

    /// - Throws: `FileError.notWritten`; an earlier file is then intact and no temporary file is left.
    package static func write(_ data: Data, to path: String) throws {
        try checkIsWritable(path)
        let temporary = path + ".part-\(getpid())"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw FileError.notWritten(path: path, reason: reason(errno)) }
        var failure: Int32 = 0
        data.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count, let base = buffer.baseAddress {
                let count = Foundation.write(file, base + done, buffer.count - done)
                if count < 0 && errno == EINTR { continue }
                if count < 0 {
                    failure = errno
                    return
                }
                done += count
            }
        }
        if failure == 0 && fsync(file) != 0 { failure = errno }
        if close(file) != 0 && failure == 0 { failure = errno }
        if failure == 0 && rename(temporary, path) != 0 { failure = errno }
        guard failure == 0 else {
            unlink(temporary)
            throw FileError.notWritten(path: path, reason: reason(failure))
        }
        let folder = open(
            (path as NSString).deletingLastPathComponent.isEmpty ? "." : (path as NSString).deletingLastPathComponent,
            O_RDONLY)
        if folder >= 0 {
            fsync(folder)  // the rename itself; a file system that refuses to sync a folder has still renamed
            close(folder)
        }
    }

    private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
