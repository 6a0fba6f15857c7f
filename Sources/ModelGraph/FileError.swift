// FileError: what can go wrong with a file as a whole, said with its path, so that a command can name it and choose its
// exit code. What is wrong inside a file is its reader's error.

package enum FileError: Error, Equatable {
    case missing(path: String)
    case unreadable(path: String, reason: String)
    /// Nothing was left half-written, and an earlier file of that name is as it was.
    case notWritten(path: String, reason: String)
}

extension FileError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missing(let path): "\(path): no such file or folder"
        case .unreadable(let path, let reason): "\(path): could not be read: \(reason)"
        case .notWritten(let path, let reason): "\(path): could not be written: \(reason)"
        }
    }
}
