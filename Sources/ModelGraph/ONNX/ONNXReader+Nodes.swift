// One ONNX node as steps of the network, or as another view of an edge. Each op says which form of it is accepted; that
// text is in the error when another comes. This file: which node goes where, and the functions of one value.

import Tensors

extension ONNXReader {
    /// For the message about an op that is not among them. (Constants may go through more: see `computedOps`.)
    static let acceptedOps = [
        "Add", "ArgMax (at the end)", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "Constant", "Conv",
        "Div", "Dropout", "Elu", "Flatten", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid", "HardSwish",
        "Identity", "LeakyRelu", "LogSoftmax (at the end)", "MatMul", "Max", "MaxPool", "Min", "Mul", "Neg", "PRelu",
        "Pad", "ReduceMax", "ReduceMean", "Relu", "Reshape", "Sigmoid", "Softmax (at the end)", "Squeeze", "Sub", "Sum",
        "Swish", "Transpose", "Unsqueeze",
    ]

    mutating func readNode(_ node: Onnx_NodeProto) throws {
        guard node.domain.isEmpty || node.domain == "ai.onnx" else {
            throw ONNXError.unsupportedOp(op: "\(node.domain).\(node.opType)", node: node.name)
        }
        if try compute(node) { return }
        switch node.opType {
        case "Conv": try convolution(node)
        case "BatchNormalization": try batchNorm(node)
        case "Gemm": try gemm(node)
        case "MatMul": try matMul(node)
        case "Relu": try function(node, .relu, accepted: "one input")
        case "Sigmoid": try function(node, .sigmoid, accepted: "one input")
        case "HardSwish": try function(node, .hardSwish, accepted: "one input")
        case "Elu": try elu(node)
        case "LeakyRelu": try leakyRelu(node)
        case "PRelu": try parametricRelu(node)
        case "HardSigmoid": try hardSigmoid(node)
        case "Swish": try swish(node)
        case "Clip": try clip(node)
        case "Min", "Max": try bound(node)
        case "Add", "Sub", "Mul", "Div", "Sum": try arithmetic(node)
        case "Neg": try negative(node)
        case "Concat": try concat(node)
        case "MaxPool": try maxPool(node)
        case "AveragePool": try averagePool(node)
        case "GlobalAveragePool": try globalPool(node, .globalAveragePool)
        case "GlobalMaxPool": try globalPool(node, .globalMaxPool)
        case "ReduceMean": try reduce(node, .globalAveragePool)
        case "ReduceMax": try reduce(node, .globalMaxPool)
        case "Pad": try pad(node)
        case "Identity", "Dropout", "Cast": try same(node)
        case "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose": try rename(node)
        case "Softmax", "LogSoftmax", "ArgMax": try answer(node)
        default: throw ONNXError.unsupportedOp(op: node.opType, node: node.name)
        }
    }

    /// An op of each value by itself: the order of axes stays.
    private mutating func function(_ node: Onnx_NodeProto, _ op: GraphOp, accepted: String) throws {
        try function(node, op, ONNXFields(node, accepted: accepted))
    }

    private mutating func function(_ node: Onnx_NodeProto, _ op: GraphOp, _ fields: ONNXFields, inputs: Int = 1) throws
    {
        let edges = try fields.edges(inputs: 1...inputs)
        try fields.finish()
        let input = try activation(edges.inputs[0], fields)
        try append(.graph(op), [input.edge], node) { _, _ in input.layout }
    }

    private mutating func elu(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(node, accepted: "alpha 1")
        try fields.requireFloat("alpha", 1)
        try function(node, .elu, fields)
    }

    private mutating func leakyRelu(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(node, accepted: "a finite alpha")
        let slope = try fields.float("alpha") ?? 0.01
        guard slope.isFinite else { throw fields.refusal("alpha = \(slope)") }
        try function(node, .leakyRelu(slope: slope), fields)
    }

    /// With one slope for all channels it is a leaky ReLU.
    private mutating func parametricRelu(_ node: Onnx_NodeProto) throws {
        let fields = try ONNXFields(node, accepted: "one constant slope for all channels")
        let edges = try fields.edges(inputs: 2...2)
        guard let constant = try constant(edges.inputs, 1, fields), case .floats(let slopes) = constant.values,
            let slope = slopes.first
        else { throw fields.refusal("its slope holds no floats") }
        try spend(slopes.count, fields)
        guard slope.isFinite, slopes.allSatisfy({ $0 == slope }) else { throw fields.refusal("its slopes differ") }
        try function(node, .leakyRelu(slope: slope), fields, inputs: 2)
    }

    private mutating func hardSigmoid(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(node, accepted: "finite alpha and beta")
        let alpha = try fields.float("alpha") ?? 0.2
        let beta = try fields.float("beta") ?? 0.5
        guard alpha.isFinite, beta.isFinite else { throw fields.refusal("alpha = \(alpha), beta = \(beta)") }
        try function(node, .hardSigmoid(alpha: alpha, beta: beta), fields)
    }

    private mutating func swish(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(node, accepted: "alpha 1")
        try fields.requireFloat("alpha", 1)
        try function(node, .silu, fields)
    }

    /// The range comes as inputs (opset 11 and later) or as attributes (before); either end may be left out.
    private mutating func clip(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(node, accepted: "constant min and max, as inputs or as attributes")
        let edges = try fields.edges(inputs: 1...3)
        var low = try fields.float("min")
        var high = try fields.float("max")
        if edges.inputs.count > 1 {
            guard low == nil, high == nil else { throw fields.refusal("min and max are given twice") }
            low = try single(edges.inputs, 1, fields)
            high = try single(edges.inputs, 2, fields)
        }
        try function(node, .clip(low: try end(low, -1, fields), high: try end(high, 1, fields)), fields, inputs: 3)
    }

    /// Min and Max of an activation and one number.
    private mutating func bound(_ node: Onnx_NodeProto) throws {
        let fields = try ONNXFields(node, accepted: "an activation and a constant of one value")
        let edges = try fields.edges(inputs: 2...2)
        try fields.finish()
        var input: ONNXActivation?
        var limit: Float?
        for index in 0..<2 {
            switch try value(edges.inputs[index], fields) {
            case .activation(let activation):
                guard input == nil else { throw fields.refusal("both inputs are activations") }
                input = activation
            case .constant: limit = try single(edges.inputs, index, fields)
            }
        }
        guard let input, let limit else { throw fields.refusal("neither input is an activation") }
        let isMax = node.opType == "Max"
        let op: GraphOp =
            isMax
            ? limit == 0 ? .relu : .clip(low: try end(limit, -1, fields), high: .greatestFiniteMagnitude)
            : .clip(low: -.greatestFiniteMagnitude, high: try end(limit, 1, fields))
        try append(.graph(op), [input.edge], node) { _, _ in input.layout }
    }

    /// A bound that does not bind is the largest float.
    private func end(_ value: Float?, _ sign: Float, _ fields: ONNXFields) throws -> Float {
        guard let value, value != sign * .infinity else { return sign * .greatestFiniteMagnitude }
        guard value.isFinite else { throw fields.refusal("its bound is \(value)") }
        return value
    }

    /// A constant of one value; nil where the input is left out.
    private mutating func single(_ inputs: [String], _ index: Int, _ fields: ONNXFields) throws -> Float? {
        guard let constant = try constant(inputs, index, fields) else { return nil }
        guard constant.count == 1 else { throw fields.refusal("'\(inputs[index])' has \(constant.count) values") }
        switch constant.values {
        case .floats(let values): return values[0]
        case .ints(let values): return Float(values[0])
        }
    }

    private mutating func batchNorm(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(node, accepted: "constant weights, training_mode 0, one output")
        let edges = try fields.edges(inputs: 5...5, ignoring: read)
        let input = try activation(edges.inputs[0], fields)
        guard input.layout.count >= 2, input.layout[1] == present([.channel], of: input.edge) else {
            throw fields.refusal("its input is \(said(input)), whose second axis is not C")
        }
        var names: [String] = []
        for index in 1...4 {
            guard let constant = try constant(edges.inputs, index, fields) else {
                throw fields.refusal("an input is left out")
            }
            names.append(try weight(constant, fields))
        }
        let epsilon = try fields.float("epsilon") ?? 1e-5
        fields.ignore("momentum")
        try fields.requireInt("training_mode", 0)
        try fields.requireInt("spatial", 1)
        try fields.finish()
        let op = GraphOp.batchNorm(
            scale: names[0], shift: names[1], mean: names[2], variance: names[3], epsilon: epsilon)
        try append(.graph(op), [input.edge], node) { _, _ in input.layout }
    }

    /// Nodes that compute nothing at inference, and casts: whoever reads their output reads their input.
    private mutating func same(_ node: Onnx_NodeProto) throws {
        switch node.opType {
        case "Dropout":
            var fields = try ONNXFields(node, accepted: "Dropout that does nothing: no training mode, no mask")
            let edges = try fields.edges(inputs: 1...3, ignoring: read)
            fields.ignore("ratio")
            fields.ignore("seed")
            try fields.finish()
            if let training = try constant(edges.inputs, 2, fields), case .ints(let values) = training.values {
                guard values == [0] else { throw fields.refusal("training_mode is true") }
            }
            set(edges.output, .activation(try activation(edges.inputs[0], fields)))
        case "Cast":
            var fields = try ONNXFields(node, accepted: "activations to float32, float16, bfloat16 or double")
            let edges = try fields.edges(inputs: 1...1)
            let type = try fields.int("to") ?? 0
            fields.ignore("saturate")
            fields.ignore("round_mode")
            try fields.finish()
            let input = try activation(edges.inputs[0], fields)
            // ArgMax's answer is an integer already; it is left out together with its cast.
            guard [1, 10, 11, 16].contains(type) || network.isAnswer(input.edge) else {
                throw fields.refusal("to = \(type)")
            }
            set(edges.output, .activation(input))
        default:
            let fields = try ONNXFields(node, accepted: "one input")
            let edges = try fields.edges(inputs: 1...1)
            try fields.finish()
            set(edges.output, .activation(try activation(edges.inputs[0], fields)))
        }
    }

    /// What is done to logits at the end.
    private mutating func answer(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(node, accepted: "the logits N × C, along C, as the network's last node")
        let edges = try fields.edges(inputs: 1...1)
        let input = try activation(edges.inputs[0], fields)
        let isArgMax = node.opType == "ArgMax"
        let axis = try fields.int("axis") ?? (isArgMax ? 0 : opset < 13 ? 1 : -1)
        let keepsAxis = try fields.int("keepdims") ?? 1
        fields.ignore("select_last_index")
        try fields.finish()
        let rank = input.layout.count
        guard (-rank..<rank).contains(axis), isFeatures(input) else {
            throw fields.refusal("its input is \(said(input)), its axis \(axis)")
        }
        let place = axis < 0 ? axis + rank : axis
        let channels = present([.channel], of: input.edge)
        // Before opset 13, Softmax took everything from the axis on together.
        let taken = isArgMax || opset >= 13 ? input.layout[place] : input.layout[place...].flatMap { $0 }
        guard taken == channels else { throw fields.refusal("its axis \(axis) of \(said(input)) is not C") }
        var layout = input.layout
        if isArgMax {
            if keepsAxis == 0 { layout.remove(at: place) } else { layout[place] = [] }
        }
        try append(.answer, [try features(input.edge)], node) { _, _ in layout }
    }
}

extension ReaderGraph {
    /// Whether the edge is made of logits, after the network.
    func isAnswer(_ edge: Int) -> Bool {
        guard let step = steps.last(where: { $0.output == edge }), case .answer = step.op else { return false }
        return true
    }
}
