// One ONNX node as one node of a FloatGraph. Each op says which form of it is accepted; that text is in the error when
// another comes. Shapes are not looked at here (FloatGraph.shapes does), except where ONNX leaves a number to be taken
// from the weight.

import Tensors

extension ONNXReader {
    /// For the message about an op that is not among them.
    static let acceptedOps = [
        "Add", "BatchNormalization", "Clip", "Concat", "Conv", "Dropout", "Elu", "Flatten (after a global pooling)",
        "Gemm",
        "GlobalAveragePool", "GlobalMaxPool", "Identity", "MaxPool", "Mul", "Relu", "Sigmoid",
    ]

    mutating func readNode(_ node: Onnx_NodeProto) throws(ONNXError) -> FloatGraph.Node {
        guard node.domain.isEmpty || node.domain == "ai.onnx" else {
            throw .unsupportedOp(op: "\(node.domain).\(node.opType)", node: node.name)
        }
        switch node.opType {
        case "Conv": return try convolution(node)
        case "BatchNormalization": return try batchNorm(node)
        case "Gemm": return try linear(node)
        case "Clip": return try clip(node)
        case "MaxPool": return try maxPool(node)
        case "Relu": return try plain(node, .relu, accepted: "one input")
        case "Sigmoid": return try plain(node, .sigmoid, accepted: "one input")
        case "Elu": return try elu(node)
        case "Add": return try plain(node, .add, inputs: 2...2, accepted: "two activations of the same shape")
        case "Mul": return try plain(node, .multiply, inputs: 2...2, accepted: "two activations of the same shape")
        case "Concat": return try concat(node)
        case "GlobalAveragePool": return try plain(node, .globalAveragePool, accepted: "one input")
        case "GlobalMaxPool": return try plain(node, .globalMaxPool, accepted: "one input")
        default: throw .unsupportedOp(op: node.opType, node: node.name)
        }
    }

    /// An op without weights or attributes.
    private func plain(_ node: Onnx_NodeProto, _ op: GraphOp, inputs: ClosedRange<Int> = 1...1, accepted: String)
        throws(ONNXError) -> FloatGraph.Node
    {
        try activations(node, op, try ONNXFields(node, accepted: accepted), inputs: inputs)
    }

    private func activations(
        _ node: Onnx_NodeProto, _ op: GraphOp, _ fields: ONNXFields, inputs: ClosedRange<Int> = 1...1
    )
        throws(ONNXError) -> FloatGraph.Node
    {
        let edges = try fields.edges(inputs: inputs)
        try fields.finish()
        if let constant = edges.inputs.first(where: { tensors[$0] != nil }) {
            throw fields.refusal("its input '\(constant)' is a constant")
        }
        return .init(name: node.name, op: op, inputs: edges.inputs, output: edges.output)
    }

    private mutating func convolution(_ node: Onnx_NodeProto) throws(ONNXError) -> FloatGraph.Node {
        var fields = try ONNXFields(
            node, accepted: "two dimensions, constant weights, explicit pads, dilations 1, group 1 or depthwise")
        let edges = try fields.edges(inputs: 2...3)
        let shape = try weight(edges.inputs[1], fields).shape
        guard shape.count == 4 else { throw fields.refusal("its weight '\(edges.inputs[1])' has \(shape.count) axes") }
        let bias = edges.inputs.count == 3 ? edges.inputs[2] : nil
        if let bias { _ = try weight(bias, fields) }
        let window = try window(&fields, kernel: [shape[2], shape[3]])
        let groups = try fields.int("group") ?? 1
        try fields.finish()
        return .init(
            name: node.name,
            op: .convolution(weight: edges.inputs[1], bias: bias, window: window, groups: groups),
            inputs: [edges.inputs[0]], output: edges.output)
    }

    private func maxPool(_ node: Onnx_NodeProto) throws(ONNXError) -> FloatGraph.Node {
        var fields = try ONNXFields(
            node, accepted: "two dimensions, kernel_shape, explicit pads, dilations 1, ceil_mode 0, one output")
        let window = try window(&fields, kernel: nil)
        try fields.requireInt("ceil_mode", 0)
        try fields.requireInt("storage_order", 0)
        return try activations(node, .maxPool(window: window), fields)
    }

    /// - Parameter kernel: the weight's, where kernel_shape may be left out.
    private func window(_ fields: inout ONNXFields, kernel: [Int]?) throws(ONNXError) -> Window {
        if let padding = try fields.string("auto_pad"), padding != "NOTSET" {
            throw fields.refusal("auto_pad = \(padding)")
        }
        try fields.requireInts("dilations", 1, count: 2)
        guard let shape = try fields.ints("kernel_shape", count: 2) ?? kernel else {
            throw fields.refusal("kernel_shape is missing")
        }
        let strides = try fields.ints("strides", count: 2) ?? [1, 1]
        let pads = try fields.ints("pads", count: 4) ?? [0, 0, 0, 0]  // top, left, bottom, right
        return Window(
            kernelHeight: shape[0], kernelWidth: shape[1], strideHeight: strides[0], strideWidth: strides[1],
            padTop: pads[0], padBottom: pads[2], padLeft: pads[1], padRight: pads[3])
    }

    private mutating func batchNorm(_ node: Onnx_NodeProto) throws(ONNXError) -> FloatGraph.Node {
        var fields = try ONNXFields(node, accepted: "constant weights, training_mode 0, one output")
        let edges = try fields.edges(inputs: 5...5)
        for name in edges.inputs.dropFirst() { _ = try weight(name, fields) }
        let epsilon = try fields.float("epsilon") ?? 1e-5
        fields.ignore("momentum")
        try fields.requireInt("training_mode", 0)
        try fields.requireInt("spatial", 1)
        try fields.finish()
        return .init(
            name: node.name,
            op: .batchNorm(
                scale: edges.inputs[1], shift: edges.inputs[2], mean: edges.inputs[3], variance: edges.inputs[4],
                epsilon: epsilon),
            inputs: [edges.inputs[0]], output: edges.output)
    }

    private mutating func linear(_ node: Onnx_NodeProto) throws(ONNXError) -> FloatGraph.Node {
        var fields = try ONNXFields(node, accepted: "constant weights O × I, transA 0, transB 1, alpha 1, beta 1")
        let edges = try fields.edges(inputs: 2...3)
        _ = try weight(edges.inputs[1], fields)
        let bias = edges.inputs.count == 3 ? edges.inputs[2] : nil
        if let bias { _ = try weight(bias, fields) }
        try fields.requireInt("transA", 0)
        guard try fields.int("transB") == 1 else { throw fields.refusal("transB is not 1") }
        try fields.requireFloat("alpha", 1)
        try fields.requireFloat("beta", 1)
        try fields.finish()
        return .init(
            name: node.name, op: .linear(weight: edges.inputs[1], bias: bias), inputs: [edges.inputs[0]],
            output: edges.output)
    }

    private func elu(_ node: Onnx_NodeProto) throws(ONNXError) -> FloatGraph.Node {
        var fields = try ONNXFields(node, accepted: "alpha 1")
        try fields.requireFloat("alpha", 1)
        return try activations(node, .elu, fields)
    }

    /// The range comes as inputs (opset 11 and later) or as attributes (before); either end may be left out.
    private func clip(_ node: Onnx_NodeProto) throws(ONNXError) -> FloatGraph.Node {
        var fields = try ONNXFields(node, accepted: "constant min and max, as inputs or as attributes")
        let edges = try fields.edges(inputs: 1...3)
        var low = try fields.float("min")
        var high = try fields.float("max")
        try fields.finish()
        if edges.inputs.count > 1 {
            guard low == nil, high == nil else { throw fields.refusal("min and max are given twice") }
            low = try bound(edges.inputs[1], fields)
            high = edges.inputs.count > 2 ? try bound(edges.inputs[2], fields) : nil
        }
        let op = GraphOp.clip(
            low: low ?? -Float.greatestFiniteMagnitude, high: high ?? Float.greatestFiniteMagnitude)
        guard tensors[edges.inputs[0]] == nil else { throw fields.refusal("its input is a constant") }
        return .init(name: node.name, op: op, inputs: [edges.inputs[0]], output: edges.output)
    }

    private func bound(_ name: String, _ fields: ONNXFields) throws(ONNXError) -> Float? {
        if name.isEmpty { return nil }
        guard let weight = try tensor(name) else { throw fields.refusal("'\(name)' is not a constant") }
        guard weight.values.count == 1 else { throw fields.refusal("'\(name)' has \(weight.values.count) values") }
        return weight.values[0]
    }

    private func concat(_ node: Onnx_NodeProto) throws(ONNXError) -> FloatGraph.Node {
        var fields = try ONNXFields(node, accepted: "activations, axis 1")
        guard try fields.int("axis") == 1 else { throw fields.refusal("axis is not 1") }
        return try activations(node, .concat, fields, inputs: GraphOp.concat.inputCounts)
    }

    /// Reads the named weight once, into `weights`.
    @discardableResult
    private mutating func weight(_ name: String, _ fields: ONNXFields) throws(ONNXError) -> FloatGraph.Weight {
        if let weight = weights[name] { return weight }
        guard let weight = try tensor(name) else {
            throw fields.refusal("its weight '\(name)' is not among the file's initializers")
        }
        weights[name] = weight
        return weight
    }
}
