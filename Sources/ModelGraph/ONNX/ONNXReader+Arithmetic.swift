// Add, Sub, Mul, Div: of two activations, or of one and a constant, which becomes a factor or a summand a channel.

extension ONNXReader {
    private static let forms: [String: String] = [
        "Add": "two activations of the same shape, or one and a constant that is one number, or one a channel",
        "Sum": "activations of the same shape",
        "Sub": "an activation and a constant that is one number, or one a channel, either way round",
        "Mul":
            "two activations of the same shape, an image and one factor a channel, or an activation and a constant that is one number, or one a channel",
        "Div": "an activation divided by a constant that is one number, or one a channel, and not 0",
    ]

    mutating func arithmetic(_ node: Onnx_NodeProto) throws {
        let fields = try ONNXFields(node, accepted: Self.forms[node.opType] ?? "")
        let edges = try fields.edges(
            inputs: node.opType == "Sum" ? 1...FloatGraph.Limit.joinedEdges : 2...2)
        try fields.finish()
        if node.opType == "Sum" { return try sum(node, fields, edges.inputs) }
        switch (try value(edges.inputs[0], fields), try value(edges.inputs[1], fields)) {
        case (.activation(let a), .activation(let b)):
            switch node.opType {
            case "Add": try add(node, fields, a, b)
            case "Mul": try multiply(node, fields, a, b)
            default: throw fields.refusal("both inputs are activations")
            }
        case (.activation(let input), .constant(let constant)):
            let values = try channelValues(constant, input, fields)
            switch node.opType {
            case "Add": try affine(node, fields, input, [1], values)
            case "Sub": try affine(node, fields, input, [1], values.map { -$0 })
            case "Mul": try affine(node, fields, input, values, [0])
            default: try affine(node, fields, input, values.map { 1 / $0 }, [0])
            }
        case (.constant(let constant), .activation(let input)):
            let values = try channelValues(constant, input, fields)
            switch node.opType {
            case "Add": try affine(node, fields, input, [1], values)
            case "Sub": try affine(node, fields, input, [-1], values)
            case "Mul": try affine(node, fields, input, values, [0])
            default: throw fields.refusal("it divides a constant by an activation")
            }
        case (.constant, .constant): throw fields.refusal("both inputs are constants, of a kind that is not computed")
        }
    }

    mutating func negative(_ node: Onnx_NodeProto) throws {
        let fields = try ONNXFields(node, accepted: "one input")
        let edges = try fields.edges(inputs: 1...1)
        try fields.finish()
        try affine(node, fields, try activation(edges.inputs[0], fields), [-1], [0])
    }

    private mutating func affine(
        _ node: Onnx_NodeProto, _ fields: ONNXFields, _ input: ONNXActivation, _ scale: [Double], _ shift: [Double]
    ) throws {
        guard (scale + shift).allSatisfy({ Float($0).isFinite }) else {
            throw fields.refusal("its constant holds a value that makes no finite factor or summand")
        }
        if scale.allSatisfy({ $0 == 1 }), shift.allSatisfy({ $0 == 0 }) {
            return set(node.output[0], .activation(input))
        }
        // As a batch norm it has one of each a channel.
        try spend(2 * network.edges[input.edge].shape[0], fields)
        try append(.affine(scale: scale, shift: shift), [input.edge], node) { _, _ in input.layout }
    }

    private mutating func sum(_ node: Onnx_NodeProto, _ fields: ONNXFields, _ names: [String]) throws {
        var inputs: [ONNXActivation] = []
        for name in names { inputs.append(try activation(name, fields)) }
        guard inputs.count > 1 else { return set(node.output[0], .activation(inputs[0])) }
        var sum = inputs[0]
        for input in inputs[1..<(inputs.count - 1)] {
            let (a, b) = try sameEdges(sum, input, fields)
            sum = .init(edge: try appendBefore("/sum", .graph(.add), [a, b], node), layout: sum.layout)
        }
        try add(node, fields, sum, inputs[inputs.count - 1])
    }

    private mutating func add(_ node: Onnx_NodeProto, _ fields: ONNXFields, _ a: ONNXActivation, _ b: ONNXActivation)
        throws
    {
        let (first, second) = try sameEdges(a, b, fields)
        try append(.graph(.add), [first, second], node) { _, _ in a.layout }
    }

    private mutating func multiply(
        _ node: Onnx_NodeProto, _ fields: ONNXFields, _ a: ONNXActivation, _ b: ONNXActivation
    )
        throws
    {
        let ranks = [a, b].map { network.edges[$0.edge].shape.count }
        for (image, factors, rank) in [(a, b, ranks[0]), (b, a, ranks[1])] where rank == 3 {
            // Squeeze and excitation: one factor a channel, the same for all pixels.
            guard factors.layout.count == image.layout.count, isFeatures(factors),
                network.edges[factors.edge].shape[0] == network.edges[image.edge].shape[0],
                zip(factors.layout, image.layout).allSatisfy({ $0 == $1 || $0.isEmpty }),
                network.edges[image.edge].shape != network.edges[factors.edge].shape
            else { continue }
            let edge = try features(factors.edge)
            return try append(.graph(.multiply), [image.edge, edge], node) { _, _ in image.layout }
        }
        let (first, second) = try sameEdges(a, b, fields)
        try append(.graph(.multiply), [first, second], node) { _, _ in a.layout }
    }

    /// Two edges whose axes mean the same; where one is [C] and the other [C, 1, 1], both become [C].
    private mutating func sameEdges(_ a: ONNXActivation, _ b: ONNXActivation, _ fields: ONNXFields) throws -> (Int, Int)
    {
        guard a.layout == b.layout else { throw fields.refusal("its inputs are \(said(a)) and \(said(b))") }
        let ranks = [a, b].map { network.edges[$0.edge].shape.count }
        if ranks[0] == ranks[1] { return (a.edge, b.edge) }
        guard isFeatures(a), isFeatures(b) else { throw fields.refusal("its inputs are \(said(a)) and \(said(b))") }
        return (try features(a.edge), try features(b.edge))
    }

    /// A constant that is broadcast along everything but channels: one number a channel, or one for all.
    private mutating func channelValues(_ constant: ONNXConstant, _ input: ONNXActivation, _ fields: ONNXFields) throws
        -> [Double]
    {
        let sizes = dimensions(input)
        let shape =
            constant.shape.count > sizes.count
            ? Array(constant.shape.drop(while: { $0 == 1 }).suffix(ONNXConstant.rankLimit)) : constant.shape
        let constant = ONNXConstant(name: constant.name, shape: shape, values: constant.values)
        guard constant.count > 0, constant.strides(broadcastTo: sizes) != nil else {
            throw fields.refusal(
                "its constant '\(constant.name)' of shape \(constant.shape.said) does not fit \(said(input))")
        }
        try spend(constant.count, fields)
        let values: [Double]
        switch constant.values {
        case .floats(let floats): values = floats.map { Double($0) }
        case .ints(let ints): values = ints.map { Double($0) }
        }
        guard values.allSatisfy({ $0.isFinite }) else {
            throw fields.refusal("its constant '\(constant.name)' holds a value that is not finite")
        }
        if values.allSatisfy({ $0 == values[0] }) { return [values[0]] }

        let offset = sizes.count - shape.count
        guard let axis = shape.indices.first(where: { input.layout[$0 + offset] == [.channel] }), shape[axis] > 1 else {
            throw fields.refusal(
                "its constant '\(constant.name)' of shape \(shape.said) differs along other axes than channels of \(said(input))"
            )
        }
        let stride = constant.strides[axis]
        let result = (0..<shape[axis]).map { values[$0 * stride] }
        for (index, value) in values.enumerated() where value != result[index / stride % shape[axis]] {
            throw fields.refusal("its constant '\(constant.name)' of shape \(shape.said) differs from pixel to pixel")
        }
        return result
    }
}
