// Nodes that rename an edge's axes (see ONNXLayout), and Concat.

import Tensors

extension ONNXReader {
    mutating func rename(_ node: Onnx_NodeProto) throws {
        switch node.opType {
        case "Flatten": try flatten(node)
        case "Reshape": try reshape(node)
        case "Squeeze": try squeeze(node)
        case "Unsqueeze": try unsqueeze(node)
        default: try transpose(node)
        }
    }

    private mutating func flatten(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(node, accepted: "axis 1, or whatever keeps N by itself")
        let edges = try fields.edges(inputs: 1...1)
        let axis = try fields.int("axis") ?? 1
        try fields.finish()
        let input = try activation(edges.inputs[0], fields)
        let rank = input.layout.count
        guard (-rank...rank).contains(axis) else { throw fields.refusal("axis = \(axis)") }
        let place = axis < 0 ? axis + rank : axis
        guard input.layout[..<place].flatMap({ $0 }) == [.batch] else { throw fields.refusal("axis = \(axis)") }
        set(
            edges.output,
            .activation(.init(edge: input.edge, layout: [[.batch], input.layout[place...].flatMap { $0 }])))
    }

    private mutating func reshape(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(
            node, accepted: "a constant shape that joins or parts whole axes: flattened images and pooled features")
        let edges = try fields.edges(inputs: 1...2)
        let input = try activation(edges.inputs[0], fields)
        let given = try fields.ints("shape") ?? integers(edges.inputs, 1, fields)
        let keepsZeros = try fields.int("allowzero") ?? 0 != 0
        try fields.finish()
        guard var sizes = given, sizes.count <= ONNXConstant.rankLimit else {
            throw fields.refusal("its shape is missing")
        }
        let old = dimensions(input)
        for index in sizes.indices where sizes[index] == 0 && !keepsZeros {
            guard index < old.count else { throw fields.refusal("its shape is \(sizes)") }
            sizes[index] = old[index]
        }
        if let free = sizes.firstIndex(of: -1) {
            guard let known = ONNXConstant.count(sizes.enumerated().filter { $0.offset != free }.map(\.element)),
                known > 0
            else {
                throw fields.refusal("its shape is \(sizes)")
            }
            sizes[free] = old.reduce(1, *) / known
        }
        guard ONNXConstant.count(sizes) == old.reduce(1, *), let result = reshaped(input, to: sizes) else {
            throw fields.refusal("it makes \(sizes.map { "\($0)" }.joined(separator: " × ")) of \(said(input))")
        }
        set(edges.output, .activation(result))
    }

    private mutating func squeeze(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(node, accepted: "axes of one value, not N")
        let edges = try fields.edges(inputs: 1...2)
        let input = try activation(edges.inputs[0], fields)
        let axes = try places(axes(&fields, edges.inputs), input.layout.count, fields)
        try fields.finish()
        let layout = try input.layout.enumerated().filter { place, group in
            guard let axes else { return !group.isEmpty }
            guard axes.contains(place) else { return true }
            guard group.isEmpty else { throw fields.refusal("axis \(place) of \(said(input))") }
            return false
        }
        set(edges.output, .activation(.init(edge: input.edge, layout: layout.map(\.element))))
    }

    private mutating func unsqueeze(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(node, accepted: "constant axes")
        let edges = try fields.edges(inputs: 1...2)
        let input = try activation(edges.inputs[0], fields)
        let given = try axes(&fields, edges.inputs) ?? []
        try fields.finish()
        let rank = input.layout.count + given.count
        guard rank <= ONNXConstant.rankLimit, let places = try places(given, rank, fields), places.count == given.count
        else {
            throw fields.refusal("its axes are \(given)")
        }
        var rest = input.layout[...]
        let layout = (0..<rank).map { places.contains($0) ? [] : rest.popFirst() ?? [] }
        set(edges.output, .activation(.init(edge: input.edge, layout: layout)))
    }

    private mutating func transpose(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(node, accepted: "perm with each axis once")
        let edges = try fields.edges(inputs: 1...1)
        let input = try activation(edges.inputs[0], fields)
        let order = try fields.ints("perm") ?? Array(input.layout.indices.reversed())
        try fields.finish()
        guard order.sorted() == Array(input.layout.indices) else { throw fields.refusal("perm = \(order)") }
        set(edges.output, .activation(.init(edge: input.edge, layout: order.map { input.layout[$0] })))
    }

    mutating func concat(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(node, accepted: "activations, along C in either order of axes")
        let edges = try fields.edges(inputs: GraphOp.concat.inputCounts)
        guard let axis = try fields.int("axis") else { throw fields.refusal("axis is missing") }
        try fields.finish()
        var inputs: [ONNXActivation] = []
        for name in edges.inputs { inputs.append(try activation(name, fields)) }
        let rank = inputs[0].layout.count
        guard (-rank..<rank).contains(axis) else { throw fields.refusal("axis = \(axis)") }
        let place = axis < 0 ? axis + rank : axis
        func others(_ layout: ONNXLayout) -> ONNXLayout { Array(layout[..<place]) + Array(layout[(place + 1)...]) }
        for input in inputs {
            guard input.layout.count == rank, others(input.layout) == others(inputs[0].layout),
                input.layout[place] == present([.channel], of: input.edge)
            else {
                throw fields.refusal(
                    "axis \(axis) of " + inputs.map { said($0) }.joined(separator: " and ") + " is not C")
            }
        }
        var sources = inputs.map(\.edge)
        if Set(sources.map { network.edges[$0].shape.count }).count > 1, inputs.allSatisfy({ isFeatures($0) }) {
            for index in sources.indices { sources[index] = try features(sources[index]) }
        }
        try append(.graph(.concat), sources, node) { reader, edge in
            inputs[0].layout.enumerated().map { $0.offset == place ? reader.present([.channel], of: edge) : $0.element }
        }
    }

    // MARK: Numbers that ONNX gives as an attribute or as an input, by opset

    mutating func axes(_ fields: inout ONNXFields, _ inputs: [String]) throws -> [Int]? {
        try fields.ints("axes") ?? integers(inputs, 1, fields)
    }

    mutating func integers(_ inputs: [String], _ index: Int, _ fields: ONNXFields) throws -> [Int]? {
        guard let constant = try constant(inputs, index, fields) else { return nil }
        guard case .ints(let values) = constant.values, constant.shape.count <= 1,
            values.count <= 2 * ONNXConstant.rankLimit
        else { throw fields.refusal("'\(inputs[index])' is not a list of integers") }
        return values.map { Int($0) }
    }

    private func places(_ axes: [Int]?, _ rank: Int, _ fields: ONNXFields) throws -> Set<Int>? {
        guard let axes else { return nil }
        return Set(
            try axes.map { axis in
                guard (-rank..<rank).contains(axis) else { throw fields.refusal("axis \(axis) of \(rank)") }
                return axis < 0 ? axis + rank : axis
            })
    }
}
