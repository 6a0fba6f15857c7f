// Nodes that slide a window over an image, that pool it whole, or that put zeros around it.

import Tensors

extension ONNXReader {
    private static let convolutionForms =
        "an image N × C × H × W, constant weights, dilations 1, any groups, auto_pad or pads"

    mutating func convolution(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(node, accepted: Self.convolutionForms)
        let edges = try fields.edges(inputs: 2...3)
        guard let kernel = try constant(edges.inputs, 1, fields) else { throw fields.refusal("its weight is left out") }
        guard kernel.shape.count == 4, kernel.count > 0 else {
            throw fields.refusal(
                "its weight '\(edges.inputs[1])' has \(kernel.shape.count) axes or no values, not O × I × H × W")
        }
        let bias = try constant(edges.inputs, 2, fields)
        let input = try image(edges.inputs[0], fields)
        let window = try window(&fields, kernel: [kernel.shape[2], kernel.shape[3]], input.edge)
        let groups = try fields.int("group") ?? 1
        try fields.requireInt("ceil_mode", 0)
        try fields.finish()
        if network.edges[input.edge].shape.count == 1 {
            return try convolutionOfFeatures(node, fields, input, kernel, bias, window, groups)
        }
        let op = GraphOp.convolution(
            weight: try weight(kernel, fields), bias: try bias.map { try weight($0, fields) }, window: window,
            groups: groups)
        try append(.graph(op), [input.edge], node) { $0.imageLayout(of: $1) }
    }

    /// On N × C × 1 × 1 after a pooling a convolution is a linear layer: of its kernel, only the place over that one pixel
    /// counts, the others lie over padding.
    private mutating func convolutionOfFeatures(
        _ node: Onnx_NodeProto, _ fields: ONNXFields, _ input: ONNXActivation, _ kernel: ONNXConstant,
        _ bias: ONNXConstant?, _ window: Window, _ groups: Int
    ) throws {
        let channels = network.edges[input.edge].shape[0]
        let (outputs, inputs) = (kernel.shape[0], kernel.shape[1])
        guard case .floats(let values) = kernel.values else { throw fields.refusal("its weight holds integers") }
        guard (1...FloatGraph.Limit.channels).contains(groups), outputs % groups == 0, inputs * groups == channels
        else {
            throw fields.refusal(
                "its weight is \(kernel.shape.said), its input has \(channels) channels, group is \(groups)")
        }
        let pads = [window.padTop, window.padLeft, window.padBottom, window.padRight]
        guard pads.allSatisfy({ (0...FloatGraph.Limit.kernelSide).contains($0) }), window.strideHeight > 0,
            window.strideWidth > 0, window.padTop < window.kernelHeight, window.padLeft < window.kernelWidth,
            1 + window.padTop + window.padBottom >= window.kernelHeight,
            1 + window.padLeft + window.padRight >= window.kernelWidth,
            window.outputHeight(1) == 1, window.outputWidth(1) == 1
        else { throw fields.refusal("it makes more or less than one pixel of one pixel") }
        let weightName: String
        if groups == 1, kernel.shape[2] == 1, kernel.shape[3] == 1 {
            // The same values, O × I; a convolution of an image may read them too, so they get a name of their own.
            weightName = try matrices[kernel.name] ?? newWeight(kernel.name + "/matrix", [outputs, inputs], values)
            matrices[kernel.name] = weightName
        } else {
            guard outputs <= FloatGraph.Limit.channels, let count = ONNXConstant.count([outputs, channels]) else {
                throw fields.refusal("its weight is \(kernel.shape.said)")
            }
            try spend(count, fields)
            var matrix = [Float](repeating: 0, count: count)
            for output in 0..<outputs {
                let first = output / (outputs / groups) * inputs
                for input in 0..<inputs {
                    let place =
                        ((output * inputs + input) * kernel.shape[2] + window.padTop) * kernel.shape[3] + window.padLeft
                    matrix[output * channels + first + input] = values[place]
                }
            }
            weightName = try newWeight(node.name + "/weight", [outputs, channels], matrix)
        }
        let op = GraphOp.linear(weight: weightName, bias: try bias.map { try weight($0, fields) })
        try append(.graph(op), [input.edge], node) { $0.imageLayout(of: $1) }
    }

    mutating func maxPool(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(
            node,
            accepted:
                "an image, kernel_shape, auto_pad or pads, dilations 1, ceil_mode 1 where it equals more padding, one output"
        )
        let edges = try fields.edges(inputs: 1...1, ignoring: read)
        let input = try image(edges.inputs[0], fields)
        let window = try pooling(&fields, input.edge, countsPadding: false)
        try fields.requireInt("storage_order", 0)
        try fields.finish()
        try append(.graph(.maxPool(window: window)), [input.edge], node) { $0.imageLayout(of: $1) }
    }

    mutating func averagePool(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(
            node,
            accepted:
                "an image, kernel_shape, auto_pad or pads, dilations 1, ceil_mode 1 where it equals more padding that is not counted"
        )
        let edges = try fields.edges(inputs: 1...1)
        let input = try image(edges.inputs[0], fields)
        let counts = try fields.int("count_include_pad") ?? 0
        guard 0...1 ~= counts else { throw fields.refusal("count_include_pad = \(counts)") }
        let window = try pooling(&fields, input.edge, countsPadding: counts == 1)
        try fields.finish()
        let shape = network.edges[input.edge].shape
        let isWhole =
            window.kernelHeight == size(.row, of: input.edge) && window.kernelWidth == size(.column, of: input.edge)
            && [window.padTop, window.padLeft, window.padBottom, window.padRight] == [0, 0, 0, 0]
        if isWhole, shape.count == 1 { return set(edges.output, .activation(input)) }
        try append(
            .graph(isWhole ? .globalAveragePool : .averagePool(window: window, countsPadding: counts == 1)),
            [input.edge], node
        ) { $0.imageLayout(of: $1) }
    }

    mutating func globalPool(_ node: Onnx_NodeProto, _ op: GraphOp) throws {
        let fields = try ONNXFields(node, accepted: "an image N × C × H × W")
        let edges = try fields.edges(inputs: 1...1)
        try fields.finish()
        let input = try image(edges.inputs[0], fields)
        // Of one pixel it is that pixel.
        if network.edges[input.edge].shape.count == 1 { return set(edges.output, .activation(input)) }
        try append(.graph(op), [input.edge], node) { $0.imageLayout(of: $1) }
    }

    /// Mean or maximum over H and W, in any order of axes; over one of them it is a window as high or wide as the image.
    mutating func reduce(_ node: Onnx_NodeProto, _ global: GraphOp) throws {
        var fields = try ONNXFields(node, accepted: "over H, W or both, axes constant")
        let edges = try fields.edges(inputs: 1...2)
        let input = try activation(edges.inputs[0], fields)
        let axes = try axes(&fields, edges.inputs)
        let keepsAxes = try fields.int("keepdims") ?? 1 != 0
        let isNothingAll = try fields.int("noop_with_empty_axes") ?? 0 == 0
        try fields.finish()
        let rank = input.layout.count
        var reduced: Set<Int> = []
        for axis in axes ?? (isNothingAll ? Array(0..<rank) : []) {
            guard (-rank..<rank).contains(axis) else { throw fields.refusal("axis \(axis) of \(rank)") }
            reduced.insert(axis < 0 ? axis + rank : axis)
        }
        let gone = Set(reduced.flatMap { input.layout[$0] })
        guard gone.isSubset(of: [.row, .column]) else {
            throw fields.refusal("its axes \(reduced.sorted()) of \(said(input)) hold more than H and W")
        }
        let layout = input.layout.enumerated().compactMap { axis, group in
            reduced.contains(axis) ? (keepsAxes ? [] : nil) : group
        }
        if gone.isEmpty {
            return set(edges.output, .activation(.init(edge: input.edge, layout: layout)))
        }
        let (height, width) = (size(.row, of: input.edge), size(.column, of: input.edge))
        let isWhole = (height == 1 || gone.contains(.row)) && (width == 1 || gone.contains(.column))
        let window = Window(
            kernelHeight: gone.contains(.row) ? height : 1, kernelWidth: gone.contains(.column) ? width : 1,
            strideHeight: 1, strideWidth: 1, padTop: 0, padBottom: 0, padLeft: 0, padRight: 0)
        let op: GraphOp =
            isWhole
            ? global
            : global == .globalMaxPool ? .maxPool(window: window) : .averagePool(window: window, countsPadding: false)
        try append(.graph(op), [input.edge], node) { _, _ in layout }
    }

    /// Zeros around an image: a step of its own until `mergePads`.
    mutating func pad(_ node: Onnx_NodeProto) throws {
        var fields = try ONNXFields(node, accepted: ReaderGraph.acceptedPad)
        let edges = try fields.edges(inputs: 1...4)
        let input = try activation(edges.inputs[0], fields)
        if let mode = try fields.string("mode"), mode != "constant" { throw fields.refusal("mode = \(mode)") }
        let filling = try fields.float("value") ?? 0
        guard filling == 0 else { throw fields.refusal("value = \(filling)") }
        if let constant = try constant(edges.inputs, 2, fields) {
            switch constant.values {
            case .floats([0]), .ints([0]): break
            case .floats(let values): throw fields.refusal("its value is \(values.first.map { "\($0)" } ?? "missing")")
            case .ints: throw fields.refusal("its value is not 0")
            }
        }
        let given = try fields.ints("pads") ?? integers(edges.inputs, 1, fields)
        try fields.finish()
        let rank = input.layout.count
        guard let given else { throw fields.refusal("pads are missing") }
        var axes = Array(0..<rank)
        if let named = try integers(edges.inputs, 3, fields) {
            axes = try named.map { axis in
                guard (-rank..<rank).contains(axis) else { throw fields.refusal("axis \(axis) of \(rank)") }
                return axis < 0 ? axis + rank : axis
            }
        }
        guard given.count == 2 * axes.count, Set(axes).count == axes.count else {
            throw fields.refusal("\(given.count) pads for \(axes.count) axes")
        }
        // Which axis of the image each axis of the tensor is; of one pixel only the place can tell.
        let order: ONNXLayout =
            input.layout == imageLayout(of: input.edge) ? [[.batch], [.channel], [.row], [.column]] : input.layout
        var pads: [ImageAxis: (before: Int, after: Int)] = [:]
        for (place, axis) in axes.enumerated() where given[place] != 0 || given[place + axes.count] != 0 {
            guard order[axis] == [.row] || order[axis] == [.column], network.edges[input.edge].shape.count == 3 else {
                throw fields.refusal("it pads axis \(axis) of \(said(input))")
            }
            let range = 0...FloatGraph.Limit.kernelSide
            guard range.contains(given[place]), range.contains(given[place + axes.count]) else {
                throw fields.refusal("pads of \(given[place]) and \(given[place + axes.count])")
            }
            pads[order[axis][0]] = (given[place], given[place + axes.count])
        }
        if pads.isEmpty { return set(edges.output, .activation(input)) }
        let (rows, columns) = (pads[.row] ?? (0, 0), pads[.column] ?? (0, 0))
        try append(
            .pad(top: rows.before, left: columns.before, bottom: rows.after, right: columns.after), [input.edge], node
        ) { reader, edge in order.map { reader.present($0, of: edge) } }
    }

    /// - Parameter kernel: the weight's, where kernel_shape may be left out.
    private func window(_ fields: inout ONNXFields, kernel: [Int]?, _ input: Int) throws -> Window {
        try fields.requireInts("dilations", 1, count: 2)
        guard let shape = try fields.ints("kernel_shape", count: 2) ?? kernel else {
            throw fields.refusal("kernel_shape is missing")
        }
        let strides = try fields.ints("strides", count: 2) ?? [1, 1]
        let given = try fields.ints("pads", count: 4)
        var pads = given ?? [0, 0, 0, 0]  // top, left, bottom, right
        switch try fields.string("auto_pad") ?? "NOTSET" {
        case "NOTSET", "": break
        case "VALID": pads = [0, 0, 0, 0]
        case let mode where mode == "SAME_UPPER" || mode == "SAME_LOWER":
            for (axis, size) in [size(.row, of: input), size(.column, of: input)].enumerated() {
                // Sizes that FloatGraph refuses anyway; here they must not overflow.
                guard (1...FloatGraph.Limit.kernelSide).contains(shape[axis]),
                    (1...FloatGraph.Limit.kernelSide).contains(strides[axis])
                else { throw fields.refusal("kernel \(shape), strides \(strides)") }
                let outputs = (size + strides[axis] - 1) / strides[axis]
                let total = max(0, (outputs - 1) * strides[axis] + shape[axis] - size)
                pads[axis] = mode == "SAME_UPPER" ? total / 2 : total - total / 2
                pads[axis + 2] = total - pads[axis]
            }
        case let mode: throw fields.refusal("auto_pad = \(mode)")
        }
        return Window(
            kernelHeight: shape[0], kernelWidth: shape[1], strideHeight: strides[0], strideWidth: strides[1],
            padTop: pads[0], padBottom: pads[2], padLeft: pads[1], padRight: pads[3])
    }

    /// A pooling's window, with ceil_mode as padding at the bottom and the right.
    ///
    /// - Parameter countsPadding: the padding is a value in a mean; then what ceil_mode adds would be one too, which it is
    ///   not in ONNX.
    private func pooling(_ fields: inout ONNXFields, _ input: Int, countsPadding: Bool) throws -> Window {
        var window = try window(&fields, kernel: nil, input)
        let ceilMode = try fields.int("ceil_mode") ?? 0
        guard 0...1 ~= ceilMode else { throw fields.refusal("ceil_mode = \(ceilMode)") }
        guard ceilMode == 1 else { return window }
        let range = 0...FloatGraph.Limit.kernelSide
        func more(_ size: Int, _ kernel: Int, _ stride: Int, _ before: Int, _ after: Int) throws -> Int {
            guard range.contains(kernel), range.contains(stride), stride > 0, range.contains(before),
                range.contains(after),
                size + before + after >= kernel
            else { throw fields.refusal("kernel \(kernel), stride \(stride), padding \(before) and \(after)") }
            let rest = (size + before + after - kernel) % stride
            if rest == 0 { return 0 }
            // The last window must begin inside the image, or writers and runtimes differ about whether there is one.
            let lastStart = (size + before + after - kernel) / stride * stride + stride
            guard lastStart < size + before, !countsPadding, after + stride - rest < kernel else {
                throw fields.refusal("ceil_mode = 1 makes a window beyond the image, or counts padding that is none")
            }
            return stride - rest
        }
        window.padBottom += try more(
            size(.row, of: input), window.kernelHeight, window.strideHeight, window.padTop, window.padBottom)
        window.padRight += try more(
            size(.column, of: input), window.kernelWidth, window.strideWidth, window.padLeft, window.padRight)
        return window
    }
}
