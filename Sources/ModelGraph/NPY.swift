// NPY: one array in a file, NumPy's format (https://numpy.org/neps/nep-0001-npy-format.html), for `tiny infer` and
// comparison with anything. Little-endian float32 and uint8 in C order; versions 1 and 2 of the header are read,
// version 1 is written. Left out: every other type.

import Foundation

package enum NPYError: Error, Equatable {
    case notNPY(reason: String)
    /// The header describes an array that is not read.
    case unsupported(reason: String)
    case wrongLength(expected: Int, actual: Int)
}

extension NPYError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notNPY(let reason): "not an .npy file: \(reason)"
        case .unsupported(let reason):
            "\(reason); accepted are float32 ('<f4') and uint8 ('|u1') in C order: numpy.ascontiguousarray(x, dtype='<f4')"
        case .wrongLength(let expected, let actual): "\(actual) bytes of values, its shape needs \(expected)"
        }
    }
}

package enum NPY: Sendable, Equatable {
    /// Row-major; `shape` is empty for a single value.
    case float32(shape: [Int], values: [Float])
    case uint8(shape: [Int], values: [UInt8])

    package static let axisLimit = 32
    package static let headerLimit = 1 << 16

    /// - Throws: `NPYError`. Nothing is taken before the header agrees with the file's length.
    package init(data: Data) throws {
        guard data.starts(with: Self.magic), data.count >= 10 else {
            throw NPYError.notNPY(reason: "its first bytes are others")
        }
        let bytes = data.dropFirst(6)
        let major = bytes[bytes.startIndex]
        guard major == 1 || major == 2 else { throw NPYError.unsupported(reason: "version \(major) of the format") }
        let lengthBytes = major == 1 ? 2 : 4
        let length = bytes.dropFirst(2).prefix(lengthBytes).reversed().reduce(0) { $0 << 8 | Int($1) }
        let rest = bytes.dropFirst(2 + lengthBytes)
        guard length <= Self.headerLimit, length <= rest.count else {
            throw NPYError.notNPY(reason: "a header of \(length) bytes in a file of \(data.count)")
        }
        var header = NPYHeader(text: Array(rest.prefix(length)))
        let (type, shape) = try header.read()
        let body = rest.dropFirst(length)
        var expected = type == "<f4" ? 4 : 1
        for size in shape {
            let (product, overflow) = expected.multipliedReportingOverflow(by: size)
            guard !overflow else { throw NPYError.unsupported(reason: "shape \(shape)") }
            expected = product
        }
        guard expected == body.count else { throw NPYError.wrongLength(expected: expected, actual: body.count) }
        self =
            type == "<f4"
            ? .float32(shape: shape, values: [Float](littleEndian: body)) : .uint8(shape: shape, values: [UInt8](body))
    }

    package func data() -> Data {
        let (type, shape) =
            switch self {
            case .float32(let shape, let values): ("<f4", (shape, values.count))
            case .uint8(let shape, let values): ("|u1", (shape, values.count))
            }
        precondition(shape.0.reduce(1, *) == shape.1, "\(shape.1) values for shape \(shape.0)")
        let sizes = shape.0.count == 1 ? "\(shape.0[0])," : shape.0.map(String.init).joined(separator: ", ")
        var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(sizes)), }"
        // The values begin at a multiple of 64.
        header += String(repeating: " ", count: (64 - (10 + header.utf8.count + 1) % 64) % 64) + "\n"
        var file = Data(Self.magic + [1, 0])
        withUnsafeBytes(of: UInt16(header.utf8.count).littleEndian) { file.append(contentsOf: $0) }
        file.append(contentsOf: header.utf8)
        switch self {
        case .float32(_, let values): file.append(values.littleEndianBytes)
        case .uint8(_, let values): file.append(contentsOf: values)
        }
        return file
    }

    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
}

/// The header: a Python dictionary of exactly three entries, read token by token.
private struct NPYHeader {
    private let text: [UInt8]
    private var position = 0

    init(text: [UInt8]) { self.text = text }

    mutating func read() throws(NPYError) -> (type: String, shape: [Int]) {
        var type: String?
        var shape: [Int]?
        var order: Bool?
        try expect("{")
        while !take("}") {
            let key = try string()
            try expect(":")
            switch key {
            case "descr" where type == nil:
                guard !take("[") else { throw .unsupported(reason: "a structure of several types") }
                type = try string()
            case "fortran_order" where order == nil: order = try boolean()
            case "shape" where shape == nil: shape = try tuple()
            default: throw .notNPY(reason: "header entry '\(key)'")
            }
            if !take(",") {
                try expect("}")
                break
            }
        }
        skipSpaces()
        guard position == text.count else { throw .notNPY(reason: "text after the header's end") }
        guard let type, let shape, let order else { throw .notNPY(reason: "descr, fortran_order or shape is missing") }
        guard type == "<f4" || type == "|u1" else { throw .unsupported(reason: "element type '\(type)'") }
        guard !order || shape.count <= 1 else { throw .unsupported(reason: "Fortran order") }
        return (type, shape)
    }

    private mutating func tuple() throws(NPYError) -> [Int] {
        var sizes: [Int] = []
        try expect("(")
        while !take(")") {
            sizes.append(try number())
            guard sizes.count <= NPY.axisLimit else { throw .unsupported(reason: "more than \(NPY.axisLimit) axes") }
            if !take(",") {
                try expect(")")
                break
            }
        }
        return sizes
    }

    private mutating func number() throws(NPYError) -> Int {
        skipSpaces()
        let digits = text[position...].prefix { (0x30...0x39).contains($0) }
        guard let value = Int(String(decoding: digits, as: UTF8.self)) else {
            throw .notNPY(reason: "a size in the header is not a number that fits")
        }
        position += digits.count
        return value
    }

    private mutating func string() throws(NPYError) -> String {
        skipSpaces()
        guard position < text.count, text[position] == 0x27 || text[position] == 0x22 else {
            throw .notNPY(reason: "a header entry is not a quoted string")
        }
        let content = text[(position + 1)...].prefix { $0 != text[position] }
        guard content.endIndex < text.count else { throw .notNPY(reason: "a header string does not end") }
        position = content.endIndex + 1
        return String(decoding: content, as: UTF8.self)
    }

    private mutating func boolean() throws(NPYError) -> Bool {
        if take("True") { return true }
        if take("False") { return false }
        throw .notNPY(reason: "fortran_order is neither True nor False")
    }

    private mutating func expect(_ token: String) throws(NPYError) {
        guard take(token) else { throw .notNPY(reason: "'\(token)' expected at byte \(position) of the header") }
    }

    private mutating func take(_ token: String) -> Bool {
        skipSpaces()
        guard text[position...].starts(with: token.utf8) else { return false }
        position += token.utf8.count
        return true
    }

    private mutating func skipSpaces() {
        while position < text.count, text[position] == 0x20 || text[position] == 0x0A { position += 1 }
    }
}
