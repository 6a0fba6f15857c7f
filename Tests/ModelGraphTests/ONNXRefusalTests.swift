// One refused file for each thing that the reader refuses: the exact error, with its place. Files:
// tools/goldens/onnx_models.py.

import Foundation
import ModelGraph
import Testing

struct ONNXRefusalTests {
    static let convolution = "two dimensions, constant weights, explicit pads, dilations 1, group 1 or depthwise"
    static let maximum = "two dimensions, kernel_shape, explicit pads, dilations 1, ceil_mode 0, one output"
    static let linear = "constant weights O × I, transA 0, transB 1, alpha 1, beta 1"
    static let once = "each edge made once"

    private static func conv(_ reason: String) -> ONNXError {
        .unsupportedNode(op: "Conv", node: "n_conv", reason: reason, accepted: convolution)
    }
    private static func gemm(_ reason: String) -> ONNXError {
        .unsupportedNode(op: "Gemm", node: "n_y", reason: reason, accepted: linear)
    }
    private static func relu(_ op: String, _ reason: String, _ accepted: String) -> ONNXError {
        .unsupportedNode(op: op, node: "n_relu", reason: reason, accepted: accepted)
    }

    static let onnxErrors: [(String, ONNXError)] = [
        ("truncated", .notONNX(reason: "it is cut off or damaged: a field is longer than what holds it")),
        ("text", .notONNX(reason: "wire type 4 in its protobuf")),
        ("no-graph", .notONNX(reason: "it has no graph or no IR version")),
        ("crowded", .tooLarge(what: "nodes", count: 5005, limit: 4096)),
        ("opset-6", .unsupportedVersion(what: "opset", version: 6, accepted: 7...28)),
        ("opset-29", .unsupportedVersion(what: "opset", version: 29, accepted: 7...28)),
        ("opset-twice", .badGraph(reason: "it names 2 versions of ONNX's opset, not one")),
        ("ir-2", .unsupportedVersion(what: "IR version", version: 2, accepted: 3...99)),
        ("op", .unsupportedOp(op: "HardSwish", node: "n_relu")),
        ("domain", .unsupportedOp(op: "com.example.Relu", node: "n_relu")),
        ("subgraph", .unsupportedOp(op: "If", node: "n_relu")),
        ("conv-auto-pad", conv("auto_pad = SAME_UPPER")),
        ("conv-dilations", conv("dilations = [2, 2]")),
        ("conv-strides", conv("strides has 1 numbers instead of 2")),
        ("conv-attribute", conv("attribute 'surprise' is not read")),
        ("conv-attribute-type", conv("attribute 'group' has the wrong type")),
        ("conv-attribute-twice", conv("attribute 'pads' stands there twice")),
        ("conv-outputs", conv("2 outputs instead of one")),
        ("gemm-trans-b", gemm("transB is not 1")),
        ("gemm-alpha", gemm("alpha = 2.0")),
        ("gemm-inputs", gemm("1 inputs")),
        ("elu-alpha", relu("Elu", "alpha = 0.5", "alpha 1")),
        ("concat-axis", relu("Concat", "axis is not 1", "activations, axis 1")),
        ("add-constant", relu("Add", "its input 'fc.w' is a constant", "two activations of the same shape")),
        ("clip-edge", relu("Clip", "'x' is not a constant", "constant min and max, as inputs or as attributes")),
        ("max-pool-ceil", relu("MaxPool", "ceil_mode = 1", maximum)),
        (
            "pool-without-flatten",
            .unsupportedNode(
                op: "GlobalAveragePool", node: "n_pool", reason: "its output goes into Relu 'n_flat'",
                accepted: "GlobalAveragePool whose output goes into Flatten (axis 1) only")
        ),
        ("flatten", .unsupportedOp(op: "Flatten", node: "n_flat")),
        ("flatten-axis", .unsupportedNode(op: "Flatten", node: "n_flat", reason: "axis = 2", accepted: "axis 1")),
        (
            "batch-norm-training",
            .unsupportedNode(
                op: "BatchNormalization", node: "n_bn", reason: "training_mode = 1",
                accepted: "constant weights, training_mode 0, one output")
        ),
        ("weight-missing", conv("its weight 'conv.w' is not among the file's initializers")),
        ("weight-twice", .badTensor(name: "conv.w", reason: "there are two of this name")),
        ("weight-type", .badTensor(name: "conv.w", reason: "element type 10 is not read; accepted: float32 (1)")),
        (
            "weight-external",
            .badTensor(name: "conv.w", reason: "its values lie in another file; save the model as one file")
        ),
        ("weight-short", .badTensor(name: "conv.w", reason: "428 bytes, its shape [4, 3, 3, 3] needs 4 × 108")),
        (
            "weight-huge",
            .badTensor(name: "conv.w", reason: "shape [4294967296, 4294967296, 3, 3] is not a tensor's")
        ),
        ("weight-negative", .badTensor(name: "conv.w", reason: "shape [-4, -3, 3, 3] is not a tensor's")),
        ("weight-nan", .badTensor(name: "conv.w", reason: "value 107 is nan")),
        ("edge-twice", relu("Relu", "its output 'conv' is made elsewhere too", once)),
        ("edge-is-weight", relu("Relu", "its output 'fc.w' is made elsewhere too", once)),
        ("input-missing", .badGraph(reason: "0 inputs; accepted: one image, N × C × H × W")),
        ("input-two", .badGraph(reason: "2 inputs; accepted: one image, N × C × H × W")),
        ("input-type", .badGraph(reason: "input 'x' is not float32")),
        (
            "input-rank",
            .badGraph(
                reason:
                    "input 'x' needs the shape N × C × H × W with numbers for C, H and W; export with a fixed image size"
            )
        ),
        (
            "input-free-size",
            .badGraph(
                reason:
                    "input 'x' needs the shape N × C × H × W with numbers for C, H and W; export with a fixed image size"
            )
        ),
        ("output-two", .badGraph(reason: "2 outputs; accepted: one, the logits N × C")),
        ("metadata-twice", .badGraph(reason: "metadata 'a' stands there twice")),
    ]

    @Test(arguments: onnxErrors)
    func refusesWhatIsNotRead(name: String, error: ONNXError) {
        #expect(throws: error) { try ONNXFiles.graph("refused/" + name) }
    }

    private static let range = "kernel, stride or padding is outside 1…64 (padding 0…64)"
    private static func node(_ name: String, _ op: String, _ reason: String) -> GraphError {
        .badNode(name: name, op: op, reason: reason)
    }

    static let graphErrors: [(String, GraphError)] = [
        (
            "conv-groups",
            node(
                "n_conv", "convolution",
                "weight 'conv.w' of shape 4 × 3 × 3 × 3 with 2 groups does not fit 3 input channels;"
                    + " accepted: groups that divide input and output channels, weights O × I/groups × KH × KW")
        ),
        ("conv-stride-zero", node("n_conv", "convolution", range)),
        ("conv-stride-huge", node("n_conv", "convolution", range)),
        ("conv-pads-negative", node("n_conv", "convolution", range)),
        (
            "conv-kernel-shape",
            node("n_conv", "convolution", "weight 'conv.w' of shape 4 × 3 × 3 × 3, its kernel is 5 × 5")
        ),
        ("clip-range", node("n_relu", "clip", "range 2.0…1.0")),
        ("max-pool-pads", node("n_relu", "maxPool", "its padding is not smaller than its kernel")),
        (
            "batch-norm-variance",
            node("n_bn", "batchNorm", "variance 'bn.variance' plus epsilon 1e-05 is not positive everywhere")
        ),
        (
            "weight-shape",
            node(
                "n_conv", "convolution",
                "weight 'conv.w' of shape 3 × 4 × 3 × 3 with 1 groups does not fit 3 input channels;"
                    + " accepted: groups that divide input and output channels, weights O × I/groups × KH × KW")
        ),
        ("linear-shape", node("n_y", "linear", "weight 'fc.w' of shape 4 × 2 does not fit 4 input features")),
        (
            "edge-missing",
            node("n_relu", "relu", "its input 'nowhere' is not made by the graph's input or a node before it")
        ),
        ("node-twice", node("n_conv", "relu", "another node has the same name, or it has none")),
        (
            "cycle",
            node("n_conv", "convolution", "its input 'relu' is not made by the graph's input or a node before it")
        ),
        ("order", node("n_relu", "relu", "its input 'conv' is not made by the graph's input or a node before it")),
        ("input-zero", .badInput(name: "x", reason: "shape N × 3 × 0 × 8 is not an image's")),
        ("input-huge", .tooLarge(what: "height of input 'x'", count: 1 << 62, limit: 8192)),
        ("output-missing", .badOutput(name: "nowhere", reason: "no node makes it")),
        (
            "output-image",
            .badOutput(name: "relu", reason: "shape N × 4 × 8 × 8; one row of logits a photo is needed, N × C")
        ),
    ]

    @Test(arguments: graphErrors)
    func refusesWhatDoesNotFit(name: String, error: GraphError) {
        #expect(throws: error) { try ONNXFiles.graph("refused/" + name) }
    }

    /// So that no file is forgotten.
    @Test func everyFileIsTested() throws {
        let files = try FileManager.default.contentsOfDirectory(
            atPath: ONNXFiles.folder.appendingPathComponent("refused").path)
        let tested = Self.onnxErrors.map(\.0) + Self.graphErrors.map(\.0)
        #expect(Set(files) == Set(tested.map { $0 + ".onnx" }))
        #expect(Set(tested).count == tested.count)
    }

    @Test func refusesACrowdBeforeDecodingIt() {
        // Two bytes a node, three million of them: objects of some hundred megabytes if they were made.
        let nodes = [UInt8](repeating: 0, count: 3_000_000).flatMap { _ in [0x0A, 0x00] as [UInt8] }
        var file: [UInt8] = [0x08, 0x08, 0x3A]  // ir_version 8; graph of …
        var length = nodes.count
        while length >= 0x80 {
            file.append(UInt8(length & 0x7F | 0x80))
            length >>= 7
        }
        file.append(UInt8(length))
        file += nodes
        #expect(throws: ONNXError.tooLarge(what: "bytes besides the weights", count: file.count, limit: 4 << 20)) {
            try FloatGraph(onnx: Data(file))
        }
    }

    @Test func refusesEndlessNesting() {
        // A node that opens a million groups (field 1000, wire type 3), all inside each other.
        let node = [UInt8](repeating: 0, count: 1_000_000).flatMap { _ in [0xC3, 0x3E] as [UInt8] }
        var file: [UInt8] = [0x08, 0x08]
        for (tag, inner) in [(0x3A, node.count + 4), (0x0A, node.count)] {
            file.append(UInt8(tag))
            var length = inner
            while length >= 0x80 {
                file.append(UInt8(length & 0x7F | 0x80))
                length >>= 7
            }
            file.append(UInt8(length))
        }
        file += node
        #expect(throws: ONNXError.notONNX(reason: "its protobuf is damaged")) { try FloatGraph(onnx: Data(file)) }
    }

    @Test(
        arguments: [
            ([], "it is empty"),
            ([0x08], "it is cut off inside a number"),
            ([0x08] + [UInt8](repeating: 0x80, count: 10), "a number of more than ten bytes in its protobuf"),
            (
                [0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
                "it is cut off or damaged: a field is longer than what holds it"
            ),
            ([0x3A, 0x02, 0x2A, 0x05], "it is cut off or damaged: a field is longer than what holds it"),
        ] as [([UInt8], String)])
    func refusesBrokenFrames(bytes: [UInt8], reason: String) {
        #expect(throws: ONNXError.notONNX(reason: reason)) { try FloatGraph(onnx: Data(bytes)) }
    }

    @Test func messagesNameWhatIsAccepted() {
        let error = ONNXError.unsupportedOp(op: "HardSwish", node: "n_relu")
        #expect(
            error.description
                == "node 'n_relu': HardSwish is not read; accepted are Add, BatchNormalization, Clip, Concat, Conv, Dropout, Elu, "
                + "Flatten (after a global pooling), Gemm, GlobalAveragePool, GlobalMaxPool, Identity, MaxPool, Mul, Relu, Sigmoid"
        )
    }
}
