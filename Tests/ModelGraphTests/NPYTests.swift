// .npy: numpy's files (tools/goldens/npy.py), back again, and one refused header for each rule.

import Foundation
import ModelGraph
import Testing

struct NPYTests {
    private func load(_ name: String) throws -> NPY {
        try NPY(data: Data(contentsOf: ONNXFiles.folder.appendingPathComponent("npy/\(name).npy")))
    }

    @Test func readsNumPysFiles() throws {
        let values = (0..<24).map { Float($0) / 8 - 1 }
        #expect(try load("float32") == .float32(shape: [2, 3, 4], values: values))
        #expect(try load("version-2") == .float32(shape: [2, 3, 4], values: values))
        #expect(try load("row") == .float32(shape: [4], values: [-1, -0.875, -0.75, -0.625]))
        #expect(try load("scalar") == .float32(shape: [], values: [2.5]))
        #expect(try load("empty") == .float32(shape: [0, 3], values: []))
        #expect(try load("uint8") == .uint8(shape: [1, 5, 6], values: [UInt8](200..<230)))
    }

    @Test(arguments: [
        NPY.float32(shape: [], values: [.nan]), .float32(shape: [3], values: [1, -0.0, .infinity]),
        .float32(shape: [2, 1, 2], values: [1, 2, 3, 4]), .uint8(shape: [2, 2], values: [0, 1, 254, 255]),
        .uint8(shape: [0], values: []),
    ])
    func comesBack(array: NPY) throws {
        let data = array.data()
        let text = String(decoding: data.prefix(128), as: UTF8.self)
        #expect(text.contains("'fortran_order': False"))
        let read = try NPY(data: (Data([9]) + data).dropFirst())
        #expect(read.data() == data)
        switch array {
        case .float32(let shape, let values):
            #expect(data.count == 128 + 4 * values.count || data.count == 64 + 4 * values.count)
            guard case .float32(shape, let found) = read else {
                Issue.record("\(read)")
                return
            }
            #expect(found.map(\.bitPattern) == values.map(\.bitPattern))
        case .uint8: #expect(read == array)
        }
    }

    @Test(arguments: [
        ("refused-float64", "element type '<f8'"), ("refused-big-endian", "element type '>f4'"),
        ("refused-fortran", "Fortran order"), ("refused-structure", "a structure of several types"),
    ])
    func refusesOtherArrays(name: String, reason: String) {
        #expect(throws: NPYError.unsupported(reason: reason)) { try load(name) }
    }

    @Test(arguments: [
        ("", "'{' expected at byte 0 of the header"),
        ("{", "a header entry is not a quoted string"),
        ("{}", "descr, fortran_order or shape is missing"),
        ("{'descr': '<f4'}", "descr, fortran_order or shape is missing"),
        ("{'descr': '<f4", "a header string does not end"),
        ("{'descr': '<f4', 'descr': '<f4'}", "header entry 'descr'"),
        ("{'descr': '<f4', 'x': 1}", "header entry 'x'"),
        ("{'descr' '<f4'}", "':' expected at byte 9 of the header"),
        ("{'descr': '<f4', 'fortran_order': 0}", "fortran_order is neither True nor False"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (1}", "')' expected at byte 52 of the header"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "a size in the header is not a number that fits"),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "a size in the header is not a number that fits"
        ),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': ()} x", "text after the header's end"),
    ])
    func refusesHeaders(header: String, reason: String) {
        #expect(throws: NPYError.notNPY(reason: reason)) { try Self.read(header) }
    }

    @Test func refusesSizesBeforeTakingThem() {
        let huge = "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}"
        #expect(throws: NPYError.unsupported(reason: "shape [4611686018427387904, 4]")) { try Self.read(huge) }
        let large = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000,)}"
        #expect(throws: NPYError.wrongLength(expected: 4_000_000_000, actual: 8)) { try Self.read(large, body: 8) }
        let axes = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(String(repeating: "1,", count: 33)))}"
        #expect(throws: NPYError.unsupported(reason: "more than 32 axes")) { try Self.read(axes, body: 4) }
    }

    @Test func refusesOtherFiles() {
        #expect(throws: NPYError.notNPY(reason: "its first bytes are others")) {
            try NPY(data: Data("\u{93}NUMPZ\u{1}\u{0}".utf8))
        }
        #expect(throws: NPYError.notNPY(reason: "its first bytes are others")) { try NPY(data: Data([0x93])) }
        let magic = Data([0x93]) + Data("NUMPY".utf8)
        #expect(throws: NPYError.unsupported(reason: "version 3 of the format")) {
            try NPY(data: magic + [3, 0, 0, 0, 0, 0])
        }
        #expect(throws: NPYError.notNPY(reason: "a header of 65535 bytes in a file of 12")) {
            try NPY(data: magic + [1, 0, 255, 255, 0, 0])
        }
        #expect(throws: NPYError.notNPY(reason: "a header of 4294967295 bytes in a file of 12")) {
            try NPY(data: magic + [2, 0, 255, 255, 255, 255])
        }
    }

    private static func read(_ header: String, body: Int = 0) throws -> NPY {
        var data = Data([0x93]) + Data("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0]
        data.append(contentsOf: header.utf8)
        data.append(Data(count: body))
        return try NPY(data: data)
    }
}
