// Safetensors: a file of Python's safetensors, back again, and one refused file for each rule.

import Foundation
import ModelGraph
import Testing

struct SafetensorsTests {
    @Test func readsPythonsFile() throws {
        let file = try Safetensors(
            data: Data(contentsOf: ONNXFiles.folder.appendingPathComponent("python.safetensors")))
        let values: [Float] = [-0.5, -0.375, -0.25, -0.125, 0, 0.125]
        #expect(
            file.entries == [
                "features.0.0.weight": .init(shape: [2, 3], values: values),
                "half": .init(shape: [2, 3], values: values),
                "brain": .init(shape: [2, 3], values: values),
                "num_batches_tracked": .init(shape: [], values: [123456]),
                "empty": .init(shape: [0, 4], values: []),
                "ü/\"": .init(shape: [1], values: [3.5]),
            ])
        #expect(file.metadata == ["source": "golden", "note": "a/b \"c\" ü"])
    }

    @Test(arguments: [Safetensors.ElementType.float32, .float16])
    func comesBack(type: Safetensors.ElementType) throws {
        let file = Safetensors(
            entries: [
                "b": .init(
                    shape: [3], values: [0.1, -.infinity, 65504].map { type == .float16 ? Float(Float16($0)) : $0 }),
                "a/ü": .init(shape: [], values: [-2]), "none": .init(shape: [0], values: []),
            ],
            metadata: ["json": #"{"a":[1,2]}"#])
        let data = try file.data(as: type)
        #expect(try Safetensors(data: data) == file)
        #expect(try file.data(as: type) == data)
        // In the middle of other data, so that nothing counts on an index of 0 or on alignment.
        #expect(try Safetensors(data: (Data([1, 2, 3]) + data + Data([4]))[3..<(3 + data.count)]) == file)
    }

    @Test func bytesAreAsTheFormatSays() throws {
        let data = try Safetensors(entries: ["t": .init(shape: [1, 2], values: [1, -2])], metadata: ["k": "v"]).data()
        let header = #"{"__metadata__":{"k":"v"},"t":{"data_offsets":[0,8],"dtype":"F32","shape":[1,2]}}"#
        let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        var expected = Data([UInt8(padded.utf8.count), 0, 0, 0, 0, 0, 0, 0])
        expected.append(contentsOf: padded.utf8)
        expected.append(contentsOf: [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0])
        #expect(data == expected)
    }

    @Test func refusesWhatFloat16CannotHold() {
        let file = Safetensors(entries: ["t": .init(shape: [2], values: [1, 70000])])
        #expect(throws: SafetensorsError.badTensor(name: "t", reason: "value 1, 70000.0, does not fit into float16")) {
            try file.data(as: .float16)
        }
    }

    @Test func namesAValueThatIsNotFinite() throws {
        var file = Safetensors(entries: [
            "a": .init(shape: [1], values: [1]), "t": .init(shape: [2], values: [1, .infinity]),
        ])
        #expect(throws: SafetensorsError.badTensor(name: "t", reason: "value 1 is inf")) { try file.requireFinite() }
        file.entries["t"] = nil
        try file.requireFinite()
    }

    @Test(arguments: [
        (#"{}"#, 4, "4 bytes belong to no tensor"),
        (#"[]"#, 0, "the header is not a JSON object"),
        (#" {}"#, 0, "the header is not a JSON object"),
        (#"{"#, 0, "the header is not JSON, or a number in it is out of range"),
        (##"{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"##, 5, "1 bytes belong to no tensor"),
    ])
    func refusesHeaders(json: String, body: Int, reason: String) {
        #expect(throws: SafetensorsError.badHeader(reason)) { try Self.read(json, body: body) }
    }

    @Test(arguments: [
        (
            #""dtype":"F64","shape":[1],"data_offsets":[0,8]"#,
            "type F64 is not read; accepted are F32, F16, BF16 and I64"
        ),
        (#""shape":[1],"data_offsets":[0,8]"#, "dtype is missing"),
        (#""dtype":"F32","shape":["1"],"data_offsets":[0,8]"#, "shape has the wrong type"),
        (#""dtype":"F32","shape":[true],"data_offsets":[0,4]"#, "shape has the wrong type"),
        (#""dtype":"F32","shape":null,"data_offsets":[0,4]"#, "shape has the wrong type"),
        (#""dtype":"F32","shape":[-2],"data_offsets":[0,8]"#, "shape [-2] is not a tensor's"),
        (
            #""dtype":"F32","shape":[4611686018427387904,4611686018427387904],"data_offsets":[0,8]"#,
            "shape [4611686018427387904, 4611686018427387904] is not a tensor's"
        ),
        (
            #""dtype":"F32","shape":[3],"data_offsets":[0,8]"#,
            "offsets [0, 8] do not hold the 12 bytes of shape [3] in 8"
        ),
        (
            #""dtype":"F32","shape":[3],"data_offsets":[0,12]"#,
            "offsets [0, 12] do not hold the 12 bytes of shape [3] in 8"
        ),
        (
            #""dtype":"F32","shape":[2],"data_offsets":[8,0]"#,
            "offsets [8, 0] do not hold the 8 bytes of shape [2] in 8"
        ),
        (
            #""dtype":"F32","shape":[2],"data_offsets":[-8,0]"#,
            "offsets [-8, 0] do not hold the 8 bytes of shape [2] in 8"
        ),
        (#""dtype":"F32","shape":[2],"data_offsets":[8]"#, "offsets [8] do not hold the 8 bytes of shape [2] in 8"),
        (#""dtype":"F32","shape":[1],"data_offsets":[4,8]"#, "begins at 4, the one before it ends at 0"),
    ])
    func refusesTensors(fields: String, reason: String) {
        #expect(throws: SafetensorsError.badTensor(name: "t", reason: reason)) {
            try Self.read("{\"t\":{\(fields)}}", body: 8)
        }
    }

    @Test func refusesOverlapsAndTwins() {
        func entry(_ name: String, _ begin: Int, _ end: Int) -> String {
            "\"\(name)\":{\"dtype\":\"F16\",\"shape\":[\((end - begin) / 2)],\"data_offsets\":[\(begin),\(end)]}"
        }
        #expect(throws: SafetensorsError.badTensor(name: "b", reason: "begins at 2, the one before it ends at 4")) {
            try Self.read("{\(entry("a", 0, 4)),\(entry("b", 2, 8))}", body: 8)
        }
        // Of two entries of one name one is kept: the other's bytes are then nobody's.
        #expect(throws: SafetensorsError.self) { try Self.read("{\(entry("a", 0, 4)),\(entry("a", 4, 8))}", body: 8) }
    }

    @Test func refusesMetadataThatIsNotText() {
        #expect(throws: SafetensorsError.badTensor(name: "__metadata__", reason: "k has the wrong type")) {
            try Self.read(#"{"__metadata__":{"k":1}}"#, body: 0)
        }
    }

    @Test(
        arguments: [
            ([], "0 bytes only"),
            ([1, 0, 0, 0, 0, 0, 0], "7 bytes only"),
            ([3, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D], "a header of 3 bytes in a file of 10"),
            ([UInt8](repeating: 255, count: 16), "a header of 18446744073709551615 bytes in a file of 16"),
        ] as [([UInt8], String)])
    func refusesLengths(bytes: [UInt8], reason: String) {
        #expect(throws: SafetensorsError.badHeader(reason)) { try Safetensors(data: Data(bytes)) }
    }

    private static func read(_ json: String, body: Int) throws -> Safetensors {
        var data = Data()
        withUnsafeBytes(of: UInt64(json.utf8.count).littleEndian) { data.append(contentsOf: $0) }
        data.append(contentsOf: json.utf8)
        data.append(Data(count: body))
        return try Safetensors(data: data)
    }
}
