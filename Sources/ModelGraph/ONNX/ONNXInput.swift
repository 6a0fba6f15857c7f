// ONNXInput: the file's one input, an image. Whether it is N C H W or N H W C is seen from who reads it: files from
// TensorFlow turn it with a Transpose before their first convolution.

struct ONNXInput {
    var input: FloatGraph.Input
    /// The file's N; 1 where it is free.
    var batch: Int
    var isChannelsLast: Bool
    var notes: [String] = []

    private static let batchLimit = 1 << 16

    init(_ graph: Onnx_GraphProto, _ tensors: ONNXTensors, _ nodes: [Onnx_NodeProto]) throws {
        // Before IR version 4, weights were named among the inputs; tf2onnx leaves inputs that nothing reads.
        let candidates = graph.input.filter { !tensors.contains($0.name) }
        let read = Set(nodes.flatMap(\.input) + graph.output.map(\.name))
        let inputs = candidates.count > 1 ? candidates.filter { read.contains($0.name) } : candidates
        guard inputs.count == 1 else {
            throw ONNXError.badGraph(reason: "\(inputs.count) inputs; accepted: one image, N × C × H × W")
        }
        let name = inputs[0].name
        let tensor = inputs[0].type.tensorType
        guard [.float, .float16, .double].contains(tensor.elemType) else {
            throw ONNXError.badGraph(reason: "input '\(name)' is not float32 (or float16, double)")
        }
        if tensor.elemType != .float { notes.append("the file computes in another type of float; here it is float32") }
        let sizes = tensor.shape.dim.map { dimension -> Int? in
            if case .dimValue(let size) = dimension.value { Int(size) } else { nil }
        }
        let isLast = sizes.count == 4 && Self.isTurned(name, nodes)
        guard sizes.count == 4, let channels = sizes[isLast ? 3 : 1], let height = sizes[isLast ? 1 : 2],
            let width = sizes[isLast ? 2 : 3]
        else {
            throw ONNXError.badGraph(
                reason:
                    "input '\(name)' needs the shape N × C × H × W with numbers for C, H and W; export with a fixed image size"
            )
        }
        if isLast {
            notes.append("the file's input is N × H × W × C; here it is N × C × H × W, as everywhere in this project")
        }
        isChannelsLast = isLast
        input = .init(name: name, channels: channels, height: height, width: width)
        batch = sizes[0] ?? 1
        guard (0...Self.batchLimit).contains(batch) else {
            throw ONNXError.tooLarge(what: "images of input '\(name)'", count: batch, limit: Self.batchLimit)
        }
        batch = max(batch, 1)
    }

    /// Follows the input to its first Transpose, through nodes that keep the order of axes.
    private static func isTurned(_ input: String, _ nodes: [Onnx_NodeProto]) -> Bool {
        var images: Set = [input]
        for node in nodes where node.input.contains(where: { images.contains($0) }) {
            switch node.opType {
            case "Transpose":
                return node.attribute.contains { $0.name == "perm" && $0.ints == [0, 3, 1, 2] }
            case "Cast", "Identity", "Add", "Sub", "Mul", "Div", "Clip", "Min", "Max", "Pad", "Neg":
                images.formUnion(node.output)
            case "Shape": continue
            default: return false
            }
        }
        return false
    }
}
