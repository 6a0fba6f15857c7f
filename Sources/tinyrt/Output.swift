// Output: results on standard output, everything else on standard error.

import CDeviceShim
import TinyRuntime

enum ExitCode {
    static let done: Int32 = 0
    static let failure: Int32 = 1
    static let usage: Int32 = 64
    static let badData: Int32 = 65
    static let missingInput: Int32 = 66
    static let outputNotWritten: Int32 = 74

    /// For an input that the system does not give.
    static func forInput(_ error: Int32) -> Int32 { device_is_missing(error) != 0 ? missingInput : badData }
    /// What one command ends with where several inputs failed: bad data before missing input.
    static func worse(_ first: Int32, _ second: Int32) -> Int32 {
        if first == done || second == done { return max(first, second) }
        return min(first, second)
    }
}

enum Output {
    /// False: the results did not reach their reader; the command ends with 74.
    @inline(never)
    static func print(_ text: TextBytes) -> Bool {
        let error = write(text, to: 1)
        if error == 0 { return true }
        complain(Output.text("standard output"), device_error_text(error))
        return false
    }

    /// `tinyrt: WHAT: why`
    @inline(never)
    static func complain(_ what: UnsafeBufferPointer<UInt8>, _ why: UnsafePointer<CChar>?) {
        var line = TextBytes()
        line.append(system: why)
        complain(what, line)
    }

    @inline(never)
    static func complain(_ what: UnsafeBufferPointer<UInt8>, _ why: StaticString) {
        var line = TextBytes()
        line.append(why)
        complain(what, line)
    }

    @inline(never)
    static func complain(_ what: UnsafeBufferPointer<UInt8>, _ why: TextBytes) {
        var line = TextBytes()
        line.append("tinyrt: ")
        line.append(visible: what)
        line.append(": ")
        line.append(why)
        line.newline()
        _ = write(line, to: 2)
    }

    /// What is wrong with the command line, and where to read how it should be. Returns the exit code.
    @inline(never)
    static func usageError(_ command: StaticString?, _ what: StaticString, _ argument: Argument? = nil) -> Int32 {
        var line = TextBytes()
        line.append(what)
        if let argument {
            line.append(" '")
            line.append(visible: argument.bytes)
            line.append("'")
        }
        return usageError(command, line)
    }

    @inline(never)
    static func usageError(
        _ command: StaticString, _ option: StaticString, needs kind: StaticString, _ value: Argument? = nil
    ) -> Int32 {
        var line = TextBytes()
        line.append(option)
        line.append(" needs ")
        line.append(kind)
        if let value {
            line.append(", not '")
            line.append(visible: value.bytes)
            line.append("'")
        }
        return usageError(command, line)
    }

    @inline(never)
    private static func usageError(_ command: StaticString?, _ what: TextBytes) -> Int32 {
        var line = TextBytes()
        line.append("tinyrt: ")
        line.append(what)
        line.append("\nSee 'tinyrt ")
        if let command {
            line.append(command)
            line.append(" ")
        }
        line.append("--help'.\n")
        _ = write(line, to: 2)
        return ExitCode.usage
    }

    static func text(_ text: StaticString) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    @inline(never)
    private static func write(_ text: TextBytes, to descriptor: Int32) -> Int32 {
        text.bytes.withUnsafeBufferPointer { device_write(descriptor, $0.baseAddress, $0.count) }
    }
}

extension TextBytes {
    /// Words from C, which may name what they are about.
    @inline(never)
    mutating func append(system words: UnsafePointer<CChar>?) {
        if let words { append(visible: Argument(pointer: words).bytes) }
    }
}
