// ModelMetadata as properties: the exact text, back again, and one refused text per rule.

import ModelGraph
import Testing
import TinyRuntime

struct MetadataTests {
    static let metadata = ModelMetadata(
        labels: ["sérif/1", "sans \"2\""],
        preprocessing: Preprocessing(
            resizeMode: .shortSide, filter: .bicubic, decodeScaling: true, resizeWidth: 256, resizeHeight: 256,
            cropWidth: 224, cropHeight: 192),
        mean: [123.675, 116.28, 103.53], standardDeviation: [58.395, 57.12, 57.375])

    @Test func textIsAsDocumented() {
        #expect(Self.metadata.properties["tiny.labels"] == #"["sérif/1","sans \"2\""]"#)
        #expect(
            Self.metadata.properties["tiny.preprocessing"]
                == #"{"crop":[224,192],"decode_scaling":true,"filter":"bicubic","mean":[123.675,116.28,103.53],"#
                + #""resize":[256,256],"resize_mode":"short_side","std":[58.395,57.12,57.375]}"#)
    }

    @Test func comesBack() throws {
        #expect(try ModelMetadata(properties: Self.metadata.properties) == Self.metadata)
    }

    @Test(arguments: [
        (#"{"crop":[224,192]"#, "it is not a JSON object"),
        (#"[]"#, "it is not a JSON object"),
        (#"{}"#, "'crop' is missing"),
    ])
    func refusesBrokenText(text: String, reason: String) {
        expectRefusal(text, reason)
    }

    @Test(arguments: [
        (
            #""filter":"bicubic""#, #""filter":"nearest""#,
            "'filter' is 'nearest', accepted are 'bilinear' and 'bicubic'"
        ),
        (#""filter":"bicubic""#, #""filter":7"#, "'filter' has the wrong type or is out of range"),
        (#""filter":"bicubic""#, #""filter":"bicubic","extra":1"#, "'extra' is not known"),
        (#""short_side""#, #""long_side""#, "'resize_mode' is 'long_side', accepted are 'squash' and 'short_side'"),
        (#"[256,256]"#, #"[256,240]"#, "'resize' is [256, 240], for 'short_side' both numbers are the short side"),
        (#"[256,256]"#, #"[256]"#, "'resize' is [256], accepted are [width, height] in 1…8192"),
        (#"[256,256]"#, #"[1e30,256]"#, "a number has the wrong type or is out of range"),
        (#"[256,256]"#, #"[9000,9000]"#, "'resize' is [9000, 9000], accepted are [width, height] in 1…8192"),
        (#"[224,192]"#, #"[0,192]"#, "'crop' is [0, 192], accepted are [width, height] in 1…8192"),
        (#"[224,192]"#, #"[224,257]"#, "'crop' [224, 257] is larger than 'resize' [256, 256]"),
        (#"57.12,57.375]"#, #"0,57.375]"#, "'std' is not three positive numbers"),
        (#"57.12,57.375]"#, #"57.375]"#, "'std' is not three positive numbers"),
        (#"116.28,"#, "", "'mean' is not three numbers"),
    ])
    func refusesWrongContract(old: String, new: String, reason: String) throws {
        let text = try #require(Self.metadata.properties["tiny.preprocessing"])
        #expect(text.contains(old))
        expectRefusal(text.replacing(old, with: new), reason)
    }

    @Test(arguments: [
        ("7", "it is not a JSON array of strings"),
        ("[\"a\",7]", "it is not a JSON array of strings"),
        ("[]", "0 labels, accepted are 1…65536"),
        ("[\"a\",\"\"]", "label 1 is empty"),
        ("[\"a\",\"b\",\"a\"]", "label 2, 'a', stands there twice"),
    ])
    func refusesWrongLabels(text: String, reason: String) {
        var properties = Self.metadata.properties
        properties["tiny.labels"] = text
        #expect(throws: MetadataError.bad(key: "tiny.labels", reason: reason)) {
            try ModelMetadata(properties: properties)
        }
    }

    @Test(arguments: ["tiny.labels", "tiny.preprocessing"])
    func namesAMissingProperty(key: String) {
        var properties = Self.metadata.properties
        properties[key] = nil
        #expect(throws: MetadataError.missing(key: key)) { try ModelMetadata(properties: properties) }
    }

    private func expectRefusal(_ text: String, _ reason: String) {
        var properties = Self.metadata.properties
        properties["tiny.preprocessing"] = text
        #expect(throws: MetadataError.bad(key: "tiny.preprocessing", reason: reason)) {
            try ModelMetadata(properties: properties)
        }
    }
}
