// Gemm and MatMul with constant weights: a linear layer of features, a 1 × 1 convolution where each pixel is multiplied,
// a convolution as large as the image where a flattened image is.

import Tensors

extension ONNXReader {
    mutating func gemm(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(
            node,
            accepted:
                "features N × I or a flattened image, a constant weight (transB 0 or 1), a constant bias, transA 0")
        let edges = try fields.edges(inputs: 2...3)
        try fields.requireInt("transA", 0)
        let isTransposed = try fields.int("transB") ?? 0 != 0
        let alpha = try fields.float("alpha") ?? 1
        let beta = try fields.float("beta") ?? 1
        try fields.finish()
        guard let matrix = try constant(edges.inputs, 1, fields) else { throw fields.refusal("its weight is left out") }
        let summand = try constant(edges.inputs, 2, fields)
        let input = try activation(edges.inputs[0], fields)
        guard matrix.shape.count == 2, input.layout.count == 2 else {
            throw fields.refusal("its inputs are \(said(input)) and \(matrix.shape.said)")
        }
        let outputs = matrix.shape[isTransposed ? 0 : 1]
        let bias = try summand.map { try self.bias($0, outputs, beta, node, fields) }
        try linear(node, fields, input, matrix, isTransposed: isTransposed, scale: alpha, bias: bias)
    }

    mutating func matMul(_ node: Onnx_NodeProto) throws {
        let fields = try ONNXFields(node, accepted: "an activation times a constant weight I × O")
        let edges = try fields.edges(inputs: 2...2)
        try fields.finish()
        guard case .activation(let input) = try value(edges.inputs[0], fields),
            case .constant(let matrix) = try value(edges.inputs[1], fields), matrix.shape.count == 2
        else { throw fields.refusal("it is another product") }
        try linear(node, fields, input, matrix, isTransposed: false, scale: 1, bias: nil)
    }

    /// - Parameter matrix: O × I where `isTransposed`, else I × O.
    private mutating func linear(
        _ node: Onnx_NodeProto, _ fields: ONNXFields, _ input: ONNXActivation, _ matrix: ONNXConstant,
        isTransposed: Bool, scale: Float, bias: String?
    ) throws {
        let (outputs, inputs) =
            isTransposed ? (matrix.shape[0], matrix.shape[1]) : (matrix.shape[1], matrix.shape[0])
        guard case .floats(let values) = matrix.values, !values.isEmpty else {
            throw fields.refusal("its weight '\(matrix.name)' holds no floats")
        }
        guard let last = input.layout.last, dimensions(input).last == inputs else {
            throw fields.refusal("its input is \(said(input)), its weight takes \(inputs) features")
        }
        let channels = present([.channel], of: input.edge)
        /// The weight with its columns in the order that `column` says, scaled, O × I.
        func weight(_ shape: [Int], _ column: (Int) -> Int) throws -> String {
            try spend(values.count, fields)
            var result = [Float](repeating: 0, count: values.count)
            for input in 0..<inputs {
                let place = column(input)
                for output in 0..<outputs {
                    let value = values[isTransposed ? output * inputs + input : input * outputs + output]
                    result[output * inputs + place] = scale * value
                }
            }
            return try newWeight(node.name + "/weight", shape, result)
        }
        if last == channels {
            let rows = present([.row, .column], of: input.edge)
            let isLinear = rows.isEmpty
            let shape = isLinear ? [outputs, inputs] : [outputs, inputs, 1, 1]
            let name =
                try isTransposed && scale == 1 && isLinear ? self.weight(matrix, fields) : weight(shape) { $0 }
            let layout = input.layout.dropLast()
            if isLinear {
                try append(.graph(.linear(weight: name, bias: bias)), [try features(input.edge)], node) {
                    layout + [$0.present([.channel], of: $1)]
                }
            } else {
                let op = GraphOp.convolution(weight: name, bias: bias, window: Window(kernel: 1), groups: 1)
                try append(.graph(op), [input.edge], node) { layout + [$0.present([.channel], of: $1)] }
            }
            return
        }
        guard input.layout.count == 2, input.layout[0] == [.batch], network.edges[input.edge].shape.count == 3,
            Set(last) == Set(present([.channel, .row, .column], of: input.edge))
        else { throw fields.refusal("its input is \(said(input)), its features are not the last axis") }
        let sizes = network.edges[input.edge].shape
        let order: [ImageAxis] = [.channel, .row, .column]
        // Where each flattened value lies in C H W.
        let strides = last.map { axis in
            order.enumerated().reduce(1) { $1.offset > (order.firstIndex(of: axis) ?? 0) ? $0 * sizes[$1.offset] : $0 }
        }
        let counts = last.map { size($0, of: input.edge) }
        let name = try weight([outputs] + sizes) { flat in
            var rest = flat
            var place = 0
            for axis in last.indices.reversed() {
                place += rest % counts[axis] * strides[axis]
                rest /= counts[axis]
            }
            return place
        }
        let window = Window(
            kernelHeight: sizes[1], kernelWidth: sizes[2], strideHeight: 1, strideWidth: 1, padTop: 0, padBottom: 0,
            padLeft: 0, padRight: 0)
        let image = try appendBefore(
            "/image", .graph(.convolution(weight: name, bias: bias, window: window, groups: 1)), [input.edge], node)
        try append(.graph(.globalAveragePool), [image], node) { [[.batch], $0.present([.channel], of: $1)] }
    }

    /// A summand of N × O that is the same for all N, as O values.
    private mutating func bias(
        _ constant: ONNXConstant, _ outputs: Int, _ beta: Float, _ node: Onnx_NodeProto, _ fields: ONNXFields
    ) throws -> String {
        if constant.shape == [outputs], beta == 1 { return try weight(constant, fields) }
        guard case .floats(let values) = constant.values, constant.count == 1 || constant.count == outputs,
            constant.shape.last.map({ $0 == constant.count }) ?? true
        else { throw fields.refusal("its bias '\(constant.name)' is \(constant.shape.said), not \(outputs)") }
        try spend(outputs, fields)
        return try newWeight(
            node.name + "/bias", [outputs], (0..<outputs).map { beta * values[values.count == 1 ? 0 : $0] })
    }
}
