// Where labels and preprocessing come from, and which source wins; contract files, ours and other tools'.

import Converter
import Foundation
import ModelGraph
import Testing
import TinyRuntime

struct PhotoContractTests {
    private func contract(_ json: String) throws -> PhotoContract { try PhotoContract(json: Data(json.utf8)) }

    private static let whole = """
        {"resize_mode": "short_side", "resize": [40, 40], "crop": [32, 32], "filter": "bicubic", "mean": [120, 110, 100],
         "std": [60, 50, 40], "decode_scaling": true, "labels": ["a", "b", "c", "d", "e", "f", "g"]}
        """

    @Test func aFileOfEveryKeyIsReadAndWritten() throws {
        let read = try contract(Self.whole)
        #expect(read.labels?.count == 7 && read.resizeMode == .shortSide && read.resize == [40, 40])
        #expect(read.crop == [32, 32] && read.filter == .bicubic && read.mean == [120, 110, 100])
        #expect(read.standardDeviation == [60, 50, 40] && read.decodeScaling == true)
        let again = try PhotoContract(json: JSONEncoder().encode(read))
        #expect(again == read)
        // As tiny inspect prints it, among other things.
        #expect(try contract("{\"file\": \"x.onnx\", \"contract\": \(Self.whole)}") == read)
        #expect(try contract("{}") == PhotoContract())
    }

    @Test func optionWinsOverFileOverMetadata() throws {
        let graph = NetworkBuilder.interactive(separable: true, seed: 1)
        let model = try MetadataOptions().resolved(for: graph)
        #expect(model.labels[3] == "class 3" && model.mean == NetworkBuilder.mean)
        // Each key of the file replaces the model's, and no other.
        let some = try MetadataOptions(contract: contract(#"{"mean": [1, 2, 3], "filter": "bicubic"}"#)).resolved(for: graph)
        #expect(some.mean == [1, 2, 3] && some.preprocessing.filter == .bicubic)
        #expect(some.labels == model.labels && some.standardDeviation == model.standardDeviation)
        #expect(some.preprocessing.resizeMode == model.preprocessing.resizeMode)
        // Each option the file's.
        let file = try contract(Self.whole)
        let over = try MetadataOptions(
            contract: file, labels: ["t", "u", "v", "w", "x", "y", "z"], mean: [9, 8, 7], standardDeviation: [6, 5, 4],
            resize: 50, filter: .bilinear, decodeScaling: false
        ).resolved(for: graph)
        #expect(over.labels[0] == "t" && over.mean == [9, 8, 7] && over.standardDeviation == [6, 5, 4])
        #expect(over.preprocessing.resizeWidth == 50 && over.preprocessing.filter == .bilinear && !over.preprocessing.decodeScaling)
        let under = try MetadataOptions(contract: file).resolved(for: graph)
        #expect(under.labels[0] == "a" && under.preprocessing.resizeWidth == 40 && under.preprocessing.decodeScaling)
        // A network that says nothing has all it needs from the file.
        var foreign = graph
        foreign.metadata = [:]
        #expect(try MetadataOptions(contract: file).resolved(for: foreign) == under)
    }

    @Test func countsAreCheckedAgainstTheNetwork() throws {
        let graph = NetworkBuilder.interactive(separable: true, seed: 1)
        let two = MetadataOptions(contract: try contract(#"{"labels": ["a", "b"]}"#))
        #expect(throws: ConversionError.labelCount(labels: 2, classes: 7)) { try two.resolved(for: graph) }
        let words = "\(ConversionError.labelCount(labels: 2, classes: 7))"
        #expect(words.contains("2 labels") && words.contains("7 classes"))
        let crop = MetadataOptions(contract: try contract(#"{"resize_mode": "squash", "resize": [64, 64], "crop": [64, 64]}"#))
        #expect { try crop.resolved(for: graph) } throws: { "\($0)".contains("64×64") && "\($0)".contains("32×32") }
    }

    @Test(arguments: [
        ("[]", "JSON object"), ("{", "JSON object"), (#"{"means": [1, 2, 3]}"#, "'means'"), (#"{"mean": [1, 2]}"#, "'mean'"),
        (#"{"mean": "grey"}"#, "'mean'"), (#"{"std": [1, 0, 1]}"#, "'std'"), (#"{"filter": "lanczos"}"#, "'lanczos'"),
        (#"{"resize": [3, 3]}"#, "resize_mode"), (#"{"resize_mode": "squash", "resize": [0, 3]}"#, "'resize'"),
        (#"{"resize_mode": "short_side", "resize": [4, 3]}"#, "'resize'"), (#"{"crop": [99999, 1]}"#, "'crop'"),
        (#"{"labels": ["a", "a"]}"#, "'a'"), (#"{"labels": []}"#, "'labels'"), (#"{"labels": ["a", ""]}"#, "'labels'"),
        (#"{"labels": 3}"#, "'labels'"), (#"{"decode_scaling": "yes"}"#, "'decode_scaling'"), (#"{"crop": [1e300, 1]}"#, "out of range"),
        // The trap: pixels from 0 to 1.
        (#"{"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}"#, "123.675"),
        (#"{"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}"#, "127.5"), (#"{"std": [0.229, 0.224, 0.225]}"#, "255"),
    ])
    func whatIsWrongIsSaidByItsKey(_ json: String, _ words: String) {
        #expect { try contract(json) } throws: { $0 is PhotoContractError && "\($0)".contains(words) }
    }

    @Test func unitScaleIsRefusedFromOptionsToo() throws {
        let graph = NetworkBuilder.interactive(separable: true, seed: 1)
        let options = MetadataOptions(mean: [0.485, 0.456, 0.406], standardDeviation: [0.229, 0.224, 0.225])
        #expect { try options.resolved(for: graph) } throws: { "\($0)".contains("123.675") }
        let raw = MetadataOptions(mean: [0, 0, 0], standardDeviation: [1, 1, 1])
        #expect(try raw.resolved(for: graph).mean == [0, 0, 0])
        let unit = MetadataOptions(mean: [0, 0, 0], standardDeviation: [255, 255, 255])
        #expect(try unit.resolved(for: graph).standardDeviation == [255, 255, 255])
    }

    @Test func timmConfiguration() throws {
        // The keys of a config.json as timm writes it; 224 / 0.875 = 256.
        let read = try contract(
            """
            {"architecture": "x", "num_classes": 2, "label_names": ["a", "b"], "pretrained_cfg": {"input_size": [3, 224, 224],
             "interpolation": "bicubic", "crop_pct": 0.875, "crop_mode": "center", "mean": [0.485, 0.456, 0.406],
             "std": [0.229, 0.224, 0.225], "num_classes": 2}}
            """)
        #expect(read.resizeMode == .shortSide && read.resize == [256, 256] && read.crop == [224, 224] && read.filter == .bicubic)
        let mean = try #require(read.mean)
        #expect(zip(mean, [123.675, 116.28, 103.53]).allSatisfy { abs($0 - $1) < 1e-3 })
        let deviation = try #require(read.standardDeviation)
        #expect(zip(deviation, [58.395, 57.12, 57.375]).allSatisfy { abs($0 - $1) < 1e-3 })
        // 240 / 0.9 = 266.67, rounded down.
        let other = try contract(
            #"{"input_size": [3, 240, 240], "interpolation": "bilinear", "crop_pct": 0.9, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}"#)
        #expect(other.resize == [266, 266] && other.mean == [127.5, 127.5, 127.5])
        #expect { try contract(#"{"input_size": [3, 240, 240], "interpolation": "bilinear", "crop_pct": 0.9, "crop_mode": "border", "mean": [0, 0, 0], "std": [1, 1, 1]}"#) }
            throws: { "\($0)".contains("'border'") }
        #expect { try contract(#"{"input_size": [3, 1e300, 240], "interpolation": "bilinear", "crop_pct": 0.9, "mean": [0, 0, 0], "std": [1, 1, 1]}"#) }
            throws: { "\($0)".contains("input_size") }
    }

    @Test func huggingFaceConfiguration() throws {
        let read = try contract(
            """
            {"crop_size": {"height": 224, "width": 224}, "do_center_crop": true, "do_normalize": true, "do_rescale": true,
             "do_resize": true, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25],
             "image_processor_type": "MobileNetV2ImageProcessor", "resample": 2, "rescale_factor": 0.00392156862745098,
             "size": {"shortest_edge": 256}}
            """)
        #expect(read.resizeMode == .shortSide && read.resize == [256, 256] && read.crop == [224, 224] && read.filter == .bilinear)
        #expect(read.mean?.allSatisfy { abs($0 - 127.5) < 1e-3 } == true)
        #expect(read.standardDeviation?.allSatisfy { abs($0 - 63.75) < 1e-3 } == true)
        let squashed = try contract(
            #"{"image_mean": [0, 0, 0], "image_std": [1, 1, 1], "resample": 3, "size": {"height": 96, "width": 128}}"#)
        #expect(squashed.resizeMode == .squash && squashed.resize == [128, 96] && squashed.crop == [128, 96])
        #expect(squashed.filter == .bicubic && squashed.standardDeviation?.allSatisfy { abs($0 - 255) < 1e-3 } == true)
        #expect { try contract(#"{"image_mean": [0, 0, 0], "image_std": [1, 1, 1], "size": {"shortest_edge": 96}}"#) }
            throws: { "\($0)".contains("do_center_crop") }
        #expect { try contract(#"{"image_mean": [0, 0, 0], "image_std": [1, 1, 1], "resample": 1, "size": {"height": 9, "width": 9}}"#) }
            throws: { "\($0)".contains("'resample' is 1") }
    }

    @Test func partialMetadataGivesWhatItSays() throws {
        let full = try MetadataOptions().resolved(for: NetworkBuilder.interactive(separable: true, seed: 1)).properties
        let labels = try PhotoContract(properties: [ModelMetadata.labelsKey: full[ModelMetadata.labelsKey] ?? ""])
        #expect(labels.labels?.count == 7 && labels.mean == nil && labels.crop == nil)
        let photo = try PhotoContract(properties: [ModelMetadata.preprocessingKey: full[ModelMetadata.preprocessingKey] ?? ""])
        #expect(photo.labels == nil && photo.mean == NetworkBuilder.mean)
        #expect(try PhotoContract(properties: ["other": "x"]) == PhotoContract())
        #expect(throws: MetadataError.self) { try PhotoContract(properties: [ModelMetadata.labelsKey: "["]) }
    }
}
