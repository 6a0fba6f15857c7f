// One refused file for each thing that the reader refuses: the exact error, with its place. Files:
// tools/goldens/onnx_models.py.

import Foundation
import ModelGraph
import Testing

struct ONNXRefusalTests {
    /// Operators in a form that is not read: file, operator, node, reason.
    static let forms: [(String, String, String, String)] = [
        ("conv-auto-pad", "Conv", "n_conv", "auto_pad = SAME"),
        ("conv-dilations", "Conv", "n_conv", "dilations = [2, 2]"),
        ("conv-strides", "Conv", "n_conv", "strides has 1 numbers instead of 2"),
        ("conv-attribute", "Conv", "n_conv", "attribute 'surprise' is not read"),
        ("conv-attribute-type", "Conv", "n_conv", "attribute 'group' has the wrong type"),
        ("conv-attribute-twice", "Conv", "n_conv", "attribute 'pads' stands there twice"),
        ("conv-outputs", "Conv", "n_conv", "2 outputs instead of one"),
        (
            "weight-missing", "Conv", "n_conv",
            "its input 'conv.w' is neither an initializer nor made by a node before it"
        ),
        ("cycle", "Conv", "n_conv", "its input 'relu' is neither an initializer nor made by a node before it"),
        ("order", "Relu", "n_relu", "its input 'conv' is neither an initializer nor made by a node before it"),
        (
            "edge-missing", "Relu", "n_relu",
            "its input 'nowhere' is neither an initializer nor made by a node before it"
        ),
        ("edge-twice", "Relu", "n_relu", "its output 'conv' is made elsewhere too"),
        ("edge-is-weight", "Relu", "n_relu", "its output 'fc.w' is made elsewhere too"),
        ("gemm-trans-a", "Gemm", "n_y", "transA = 1"),
        ("gemm-trans-b", "Gemm", "n_y", "its input is N × 4, its weight takes 2 features"),
        ("gemm-inputs", "Gemm", "n_y", "1 inputs"),
        ("linear-shape", "Gemm", "n_y", "its input is N × 4, its weight takes 2 features"),
        ("pool-without-flatten", "Gemm", "n_y", "its inputs are N × 4 × 1 × 1 and 2 × 4"),
        ("flatten", "Gemm", "n_y", "its input is N × (4·8·8), its weight takes 4 features"),
        ("flatten-axis", "Flatten", "n_flat", "axis = 2"),
        ("elu-alpha", "Elu", "n_relu", "alpha = 0.5"),
        ("clip-edge", "Clip", "n_relu", "'x' is not a constant"),
        ("concat-axis", "Concat", "n_relu", "axis 2 of N × 4 × 8 × 8 is not C"),
        ("concat-flattened", "Concat", "n_step_1", "axis 1 of N × (4·8·8) is not C"),
        (
            "max-pool-ceil", "MaxPool", "n_relu",
            "ceil_mode = 1 makes a window beyond the image, or counts padding that is none"
        ),
        (
            "average-pool-ceil", "AveragePool", "n_relu",
            "ceil_mode = 1 makes a window beyond the image, or counts padding that is none"
        ),
        ("add-constant", "Add", "n_relu", "its constant 'fc.w' of shape 2 × 4 does not fit N × 4 × 8 × 8"),
        (
            "mul-pixels", "Mul", "n_step_0",
            "its constant 'map' of shape 8 × 8 differs along other axes than channels of N × 4 × 8 × 8"
        ),
        ("mul-maps", "Mul", "n_mul", "its inputs are N × 4 × 8 × 8 and N × 1 × 8 × 8"),
        ("div-activations", "Div", "n_step_0", "both inputs are activations"),
        ("div-zero", "Div", "n_step_0", "its constant holds a value that makes no finite factor or summand"),
        ("softmax-inside", "Softmax", "n_step_0", "it stands inside the network"),
        ("softmax-axis", "Softmax", "n_step_0", "its axis 0 of N × 2 is not C"),
        (
            "sigmoid-last", "Sigmoid", "n_step_0",
            "the network ends in it, as one that answers each class by itself does"
        ),
        ("pad-mode", "Pad", "n_step_0", "mode = reflect"),
        ("pad-value", "Pad", "n_step_0", "its value is 1.0"),
        ("pad-negative", "Pad", "n_step_0", "pads of -1 and 0"),
        ("pad-channels", "Pad", "n_step_0", "it pads axis 1 of N × 4 × 8 × 8"),
        ("pad-before-relu", "Pad", "n_step_0", "its output goes into Relu 'n_relu'"),
        (
            "pad-before-max-pool", "Pad", "n_step_0",
            "max pooling 'n_step_1' would count its zeros, and values before it may be negative"
        ),
        ("reshape-shuffle", "Reshape", "n_step_0", "it makes 1 × 2 × 2 × 8 × 8 of N × 4 × 8 × 8"),
        ("reshape-size", "Reshape", "n_step_0", "it makes 1 × 5 × 51 of N × 4 × 8 × 8"),
        ("reduce-channels", "ReduceMean", "n_step_0", "its axes [1] of N × 4 × 8 × 8 hold more than H and W"),
        ("transpose-perm", "Transpose", "n_step_0", "perm = [0, 1, 1, 2]"),
        ("layout", "GlobalAveragePool", "n_step_1", "its input 'step_0' is N × 8 × 8 × 4, not an image N × C × H × W"),
        ("cast-integer", "Cast", "n_step_0", "to = 7"),
        ("prelu-slopes", "PRelu", "n_step_0", "its slopes differ"),
        ("constant-huge", "ConstantOfShape", "n_huge", "it makes the shape [1000000, 1000000]"),
        (
            "constant-large", "ConstantOfShape", "n_huge",
            "what it and the nodes before it compute is out of proportion to the file"
        ),
        ("constant-negative", "ConstantOfShape", "n_huge", "it makes the shape [-1]"),
        (
            "constant-doubled", "Concat", "n_c_15",
            "what it and the nodes before it compute is out of proportion to the file"
        ),
        ("expand-huge", "Expand", "n_huge", "it makes the shape [1000000, 1000000]"),
        ("tile-huge", "Tile", "n_huge", "it makes the shape [1000000, 1000000]"),
        (
            "factors-crowd", "Mul", "n_mul_32",
            "what it and the nodes before it compute is out of proportion to the file"
        ),
        ("gather-index", "Gather", "n_g", "index 4 of 4"),
        (
            "function-itself", "local.Relu", "n_relu" + (1...16).map { " #\($0)/Relu" }.joined(),
            "functions call each other too deep or too often"
        ),
        ("batch-norm-training", "BatchNormalization", "n_bn", "training_mode = 1"),
    ]

    @Test(arguments: forms)
    func refusesAForm(file: String, op: String, node: String, reason: String) {
        let error = #expect(throws: ONNXError.self) { try ONNXFiles.graph("refused/" + file) }
        guard case .unsupportedNode(let foundOp, let foundNode, let foundReason, let accepted) = error else {
            Issue.record("\(file): \(String(describing: error))")
            return
        }
        #expect(foundOp == op)
        #expect(foundNode == node)
        #expect(foundReason == reason)
        #expect(!accepted.isEmpty)
    }

    private static let unsizedInput = ONNXError.badGraph(
        reason: "input 'x' needs the shape N × C × H × W with numbers for C, H and W; export with a fixed image size")

    static let onnxErrors: [(String, ONNXError)] = [
        ("truncated", .notONNX(reason: "it is cut off or damaged: a field is longer than what holds it")),
        ("text", .notONNX(reason: "wire type 4 in its protobuf")),
        ("no-graph", .notONNX(reason: "it has no graph or no IR version")),
        ("crowded", .tooLarge(what: "nodes", count: 5005, limit: 4096)),
        ("opset-6", .unsupportedVersion(what: "opset", version: 6, accepted: 7...28)),
        ("opset-29", .unsupportedVersion(what: "opset", version: 29, accepted: 7...28)),
        ("opset-twice", .badGraph(reason: "it names 2 versions of ONNX's opset, not one")),
        ("ir-2", .unsupportedVersion(what: "IR version", version: 2, accepted: 3...99)),
        ("op", .unsupportedOp(op: "Tanh", node: "n_relu")),
        ("domain", .unsupportedOp(op: "com.example.Relu", node: "n_relu")),
        ("subgraph", .unsupportedOp(op: "If", node: "n_relu")),
        ("weight-twice", .badTensor(name: "conv.w", reason: "there are two of this name")),
        (
            "weight-type",
            .badTensor(
                name: "conv.w",
                reason:
                    "element type 8 is not read; accepted: float32 (1), float16 (10), double (11), bfloat16 (16), integers (2…7, 12, 13), bool (9)"
            )
        ),
        (
            "weight-external",
            .badTensor(
                name: "conv.w",
                reason: "its values lie in another file; open the model by its path, or save it as one file")
        ),
        ("weight-short", .badTensor(name: "conv.w", reason: "428 bytes, its shape [4, 3, 3, 3] needs 4 × 108")),
        ("weight-double", .badTensor(name: "conv.w", reason: "value 5 is outside float32's range")),
        ("weight-half", .badTensor(name: "conv.w", reason: "value 5 is inf")),
        (
            "weight-huge",
            .badTensor(name: "conv.w", reason: "shape [4294967296, 4294967296, 3, 3] is not a tensor's")
        ),
        ("weight-negative", .badTensor(name: "conv.w", reason: "shape [-4, -3, 3, 3] is not a tensor's")),
        ("weight-nan", .badTensor(name: "conv.w", reason: "value 107 is nan")),
        ("input-missing", .badGraph(reason: "0 inputs; accepted: one image, N × C × H × W")),
        ("input-two", .badGraph(reason: "2 inputs; accepted: one image, N × C × H × W")),
        ("input-type", .badGraph(reason: "input 'x' is not float32 (or float16, double)")),
        ("input-rank", unsizedInput),
        ("input-free-size", unsizedInput),
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
        let tested = Self.forms.map(\.0) + Self.onnxErrors.map(\.0) + Self.graphErrors.map(\.0)
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
        #expect(throws: ONNXError.notONNX(reason: "wire type 3 in its protobuf")) { try FloatGraph(onnx: Data(file)) }
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

    @Test func anInputThatNothingReadsIsLeftOut() throws {
        let graph = try ONNXFiles.graph("unread-input")
        #expect(graph.input.name == "x" && graph.input.channels == 3)
    }

    @Test func messagesNameWhatIsAccepted() {
        let error = ONNXError.unsupportedOp(op: "Tanh", node: "n_relu")
        #expect(
            error.description.hasPrefix(
                "node 'n_relu': Tanh is not read; accepted are Add, ArgMax (at the end), AveragePool, "))
        #expect(error.description.hasSuffix(", Swish, Transpose, Unsqueeze"))
    }
}
