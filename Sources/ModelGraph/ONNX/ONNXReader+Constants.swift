// Constant subgraphs: nodes whose inputs are all constants, and Shape of an activation, are computed while reading. What
// exporters build so are shapes for Reshape, axes, bounds, and weights turned or cast. Every result is held against the
// reader's budget before memory is taken for it. Integers wrap as ONNX's do; left out: everything with strings,
// sequences or loops.

extension ONNXReader {
    static let computedOps: Set<String> = [
        "Add", "Cast", "Ceil", "Clip", "Concat", "Constant", "ConstantOfShape", "Div", "Equal", "Expand", "Flatten",
        "Floor",
        "Gather", "Identity", "Max", "Min", "Mul", "Neg", "Range", "Reciprocal", "ReduceProd", "Reshape", "Shape",
        "Size", "Slice", "Sqrt", "Squeeze", "Sub", "Tile", "Transpose", "Unsqueeze", "Where",
    ]

    /// - Returns: whether the node's value is known now.
    mutating func compute(_ node: Onnx_NodeProto) throws -> Bool {
        guard Self.computedOps.contains(node.opType) else { return false }
        var fields = try ONNXFields(node, accepted: "\(node.opType) of constants that ONNX defines")
        if node.opType == "Shape" || node.opType == "Size" { return try shape(node, &fields) }
        var inputs: [ONNXConstant?] = []
        for name in node.input {
            guard !name.isEmpty else {
                inputs.append(nil)
                continue
            }
            guard case .constant(let constant) = try value(name, fields) else { return false }
            inputs.append(constant)
        }
        while case .some(nil) = inputs.last { inputs.removeLast() }
        let output = try fields.edges(inputs: 0...FloatGraph.Limit.joinedEdges).output
        var result = try computed(node.opType, inputs, output, node, &fields)
        try fields.finish()
        if node.opType != "Identity" { result.name = output }
        guard result.shape.count <= ONNXConstant.rankLimit else { throw fields.refusal("\(result.shape.count) axes") }
        values[output] = .constant(result)
        return true
    }

    private mutating func shape(_ node: Onnx_NodeProto, _ fields: inout ONNXFields) throws -> Bool {
        let edges = try fields.edges(inputs: 1...1)
        let sizes: [Int]
        switch try value(edges.inputs[0], fields) {
        case .constant(let constant): sizes = constant.shape
        case .activation(let activation): sizes = dimensions(activation)
        }
        var start = try fields.int("start") ?? 0
        var end = try fields.int("end") ?? sizes.count
        try fields.finish()
        func clamp(_ place: Int) -> Int {
            max(0, min(sizes.count, place < 0 ? max(place, -sizes.count) + sizes.count : place))
        }
        (start, end) = (clamp(start), clamp(end))
        let result: ONNXConstant =
            node.opType == "Size"
            ? .init(name: edges.output, shape: [], values: .ints([Int64(sizes.reduce(1, *))]))
            : .init(
                name: edges.output, shape: [max(0, end - start)],
                values: .ints(start < end ? sizes[start..<end].map { Int64($0) } : []))
        values[edges.output] = .constant(result)
        return true
    }

    private mutating func computed(
        _ op: String, _ inputs: [ONNXConstant?], _ name: String, _ node: Onnx_NodeProto, _ fields: inout ONNXFields
    ) throws -> ONNXConstant {
        func input(_ index: Int) throws -> ONNXConstant {
            guard index < inputs.count, let constant = inputs[index] else {
                throw fields.refusal("input \(index) is missing")
            }
            return constant
        }
        /// A list of integers as an attribute (older opsets) or an input.
        func list(_ attribute: String, _ index: Int, _ fields: inout ONNXFields) throws -> [Int]? {
            if let given = try fields.ints(attribute) { return given }
            guard index < inputs.count, let constant = inputs[index] else { return nil }
            guard case .ints(let values) = constant.values, values.count <= 2 * ONNXConstant.rankLimit else {
                throw fields.refusal("its \(attribute) is not a list of integers")
            }
            return values.map { Int($0) }
        }
        func place(_ axis: Int, _ rank: Int) throws -> Int {
            guard (-rank..<rank).contains(axis) else { throw fields.refusal("axis \(axis) of \(rank)") }
            return axis < 0 ? axis + rank : axis
        }
        func counted(_ shape: [Int]) throws -> [Int] {
            guard shape.count <= ONNXConstant.rankLimit, let count = ONNXConstant.count(shape) else {
                throw fields.refusal("it makes the shape \(shape)")
            }
            try spend(count, fields)
            return shape
        }
        switch op {
        case "Constant": return try constantNode(name, &fields)
        case "Identity": return try input(0)
        case "Cast":
            let type = try fields.int("to") ?? 0
            fields.ignore("saturate")
            fields.ignore("round_mode")
            return try cast(try input(0), to: type, fields)
        case "ConstantOfShape":
            let filling = try fields.tensor("value").map { try tensors.read($0, name: name) }
            let shape = try list("shape", 0, &fields) ?? []
            let one = filling ?? .init(name: name, shape: [], values: .floats([0]))
            guard one.count == 1 else { throw fields.refusal("its value has \(one.count) values") }
            return one.picked(try counted(shape), strides: [Int](repeating: 0, count: shape.count), name: name)
        case "Range":
            let numbers = try (0..<3).map { index -> Int in
                guard case .ints(let values) = try input(index).values, values.count == 1 else {
                    throw fields.refusal("input \(index) is not one integer")
                }
                return Int(values[0])
            }
            guard numbers[2] != 0, numbers.allSatisfy({ $0.magnitude < 1 << 31 }) else {
                throw fields.refusal("from \(numbers[0]) to \(numbers[1]) by \(numbers[2])")
            }
            let range = stride(from: numbers[0], to: numbers[1], by: numbers[2])
            let distance = numbers[2] > 0 ? numbers[1] - numbers[0] : numbers[0] - numbers[1]
            _ = try counted([max(0, distance) / abs(numbers[2]) + 1])
            let values = range.map { Int64($0) }
            return .init(name: name, shape: [values.count], values: .ints(values))
        case "Reshape", "Flatten", "Squeeze", "Unsqueeze":
            var result = try input(0)
            result.shape = try newShape(op, result, list(op == "Reshape" ? "shape" : "axes", 1, &fields), &fields)
            return result
        case "Transpose":
            let source = try input(0)
            let order = try fields.ints("perm") ?? Array(source.shape.indices.reversed())
            guard order.sorted() == Array(source.shape.indices) else { throw fields.refusal("perm = \(order)") }
            let strides = source.strides
            return source.picked(
                try counted(order.map { source.shape[$0] }), strides: order.map { strides[$0] }, name: name)
        case "Expand":
            let source = try input(0)
            guard let shape = ONNXConstant.broadcast(source.shape, try list("shape", 1, &fields) ?? []),
                let strides = source.strides(broadcastTo: try counted(shape))
            else { throw fields.refusal("its shapes do not fit") }
            return source.picked(shape, strides: strides, name: name)
        case "Tile":
            // Along axes of one value only, which is a broadcast.
            let source = try input(0)
            let repeats = try list("repeats", 1, &fields) ?? []
            guard repeats.count == source.shape.count, zip(repeats, source.shape).allSatisfy({ $0 == 1 || $1 == 1 })
            else {
                throw fields.refusal("repeats \(repeats) of \(source.shape.said)")
            }
            let shape = try counted(zip(repeats, source.shape).map { $0 == 1 ? $1 : $0 })
            return source.picked(shape, strides: source.strides(broadcastTo: shape) ?? [], name: name)
        case "Slice":
            return try slice(
                try input(0), list("starts", 1, &fields), list("ends", 2, &fields), list("axes", 3, &fields),
                list("steps", 4, &fields), name, fields)
        case "Gather":
            let source = try input(0)
            guard case .ints(let indices) = try input(1).values else {
                throw fields.refusal("its indices are not integers")
            }
            let axis = try place(fields.int("axis") ?? 0, source.shape.count)
            let size = source.shape[axis]
            let places = try indices.map { index in
                guard (-Int64(size)..<Int64(size)).contains(index) else {
                    throw fields.refusal("index \(index) of \(size)")
                }
                return Int(index < 0 ? index + Int64(size) : index)
            }
            let shape = try counted(
                Array(source.shape[..<axis]) + (try input(1).shape) + Array(source.shape[(axis + 1)...]))
            if shape.contains(0) { return source.mapped(name, shape, { _ in [] }, { _ in [] }) }
            let inner = source.strides[axis]
            let outer = source.shape[..<axis].reduce(1, *)
            func gather<Element>(_ values: [Element]) -> [Element] {
                var result: [Element] = []
                for block in 0..<outer {
                    for place in places {
                        let start = (block * size + place) * inner
                        result += values[start..<(start + inner)]
                    }
                }
                return result
            }
            return source.mapped(name, shape, gather, gather)
        case "Concat":
            let parts = try (0..<inputs.count).map { try input($0) }
            guard let first = parts.first else { throw fields.refusal("no inputs") }
            let axis = try place(fields.int("axis") ?? 0, first.shape.count)
            guard
                parts.allSatisfy({ part in
                    part.shape.count == first.shape.count
                        && part.shape.indices.allSatisfy { $0 == axis || part.shape[$0] == first.shape[$0] }
                })
            else { throw fields.refusal("its shapes do not fit") }
            var shape = first.shape
            shape[axis] = try parts.reduce(0) { sum, part in
                let (next, overflow) = sum.addingReportingOverflow(part.shape[axis])
                guard !overflow else { throw fields.refusal("its shapes do not fit") }
                return next
            }
            _ = try counted(shape)
            let outer = shape[..<axis].reduce(1, *)
            func join<Element>(_ values: [[Element]]) -> [Element] {
                var result: [Element] = []
                for block in 0..<outer {
                    for part in values {
                        let count = part.count / outer
                        result += part[(block * count)..<((block + 1) * count)]
                    }
                }
                return result
            }
            if shape.contains(0) { return first.mapped(name, shape, { _ in [] }, { _ in [] }) }
            let floats = parts.compactMap(\.floats)
            if floats.count == parts.count { return .init(name: name, shape: shape, values: .floats(join(floats))) }
            let ints = parts.compactMap(\.ints)
            guard ints.count == parts.count else { throw fields.refusal("its inputs are of different types") }
            return .init(name: name, shape: shape, values: .ints(join(ints)))
        case "ReduceProd":
            guard case .ints(let values) = try input(0).values,
                try list("axes", 1, &fields).map({ [[0], [-1]].contains($0) }) ?? true,
                try input(0).shape.count <= 1
            else { throw fields.refusal("it is not the product of a list of integers") }
            let keeps = try fields.int("keepdims") ?? 1 != 0
            try fields.requireInt("noop_with_empty_axes", 0)
            return .init(name: name, shape: keeps ? [1] : [], values: .ints([values.reduce(1, &*)]))
        case "Neg", "Sqrt", "Reciprocal", "Floor", "Ceil":
            let source = try input(0)
            _ = try counted(source.shape)
            let function: (Float) -> Float =
                switch op {
                case "Neg": { -$0 }
                case "Sqrt": { $0.squareRoot() }
                case "Reciprocal": { 1 / $0 }
                case "Floor": { $0.rounded(.down) }
                default: { $0.rounded(.up) }
                }
            guard op == "Neg" || source.floats != nil else { throw fields.refusal("its input holds integers") }
            return source.mapped(name, source.shape, { $0.map(function) }, { $0.map { 0 &- $0 } })
        case "Clip":
            // A file gives its bounds as attributes or as inputs, never both.
            var result = try input(0)
            for (index, (attribute, bound)) in [("min", "Max"), ("max", "Min")].enumerated() {
                if let limit = try fields.float(attribute) {
                    let one = ONNXConstant(name: name, shape: [], values: .floats([limit]))
                    result = try elementwise(bound, [result, one], name, fields)
                } else if index + 1 < inputs.count, let one = inputs[index + 1] {
                    guard one.count == 1 else { throw fields.refusal("its bound has \(one.count) values") }
                    result = try elementwise(bound, [result, one], name, fields)
                }
            }
            return result
        case "Where":
            let (condition, a, b) = (try input(0), try input(1), try input(2))
            guard condition.ints != nil, let pair = ONNXConstant.broadcast(a.shape, b.shape),
                let shape = ONNXConstant.broadcast(condition.shape, pair)
            else { throw fields.refusal("its shapes do not fit") }
            guard let all = condition.strides(broadcastTo: try counted(shape)),
                let first = a.strides(broadcastTo: shape),
                let second = b.strides(broadcastTo: shape)
            else { throw fields.refusal("its shapes do not fit") }
            let choice = condition.picked(shape, strides: all, name: name).ints ?? []
            let (left, right) = (
                a.picked(shape, strides: first, name: name), b.picked(shape, strides: second, name: name)
            )
            if let left = left.floats, let right = right.floats {
                return .init(
                    name: name, shape: shape,
                    values: .floats(choice.indices.map { choice[$0] != 0 ? left[$0] : right[$0] }))
            }
            guard let left = left.ints, let right = right.ints else {
                throw fields.refusal("its inputs are of different types")
            }
            return .init(
                name: name, shape: shape, values: .ints(choice.indices.map { choice[$0] != 0 ? left[$0] : right[$0] }))
        default: return try elementwise(op, try (0..<max(inputs.count, 1)).map { try input($0) }, name, fields)
        }
    }

    private mutating func constantNode(_ name: String, _ fields: inout ONNXFields) throws -> ONNXConstant {
        if let tensor = try fields.tensor("value") {
            // A function that is called often repeats its constants.
            try spend(ONNXConstant.count(tensor.dims.map { Int($0) }) ?? 0, fields)
            return try tensors.read(tensor, name: name)
        }
        if let value = try fields.float("value_float") { return .init(name: name, shape: [], values: .floats([value])) }
        if let values = try fields.floats("value_floats") {
            return .init(name: name, shape: [values.count], values: .floats(values))
        }
        if let value = try fields.int("value_int") {
            return .init(name: name, shape: [], values: .ints([Int64(value)]))
        }
        if let values = try fields.ints("value_ints") {
            return .init(name: name, shape: [values.count], values: .ints(values.map { Int64($0) }))
        }
        throw fields.refusal("it holds no dense tensor, floats or integers")
    }

    private mutating func cast(_ source: ONNXConstant, to type: Int, _ fields: ONNXFields) throws -> ONNXConstant {
        try spend(source.count, fields)
        switch (type, source.values) {
        case (1, .floats), (10, .floats), (11, .floats), (16, .floats), (2...7, .ints), (12...13, .ints): return source
        case (1, .ints(let values)), (10, .ints(let values)), (11, .ints(let values)), (16, .ints(let values)):
            return .init(name: source.name, shape: source.shape, values: .floats(values.map { Float($0) }))
        case (9, .ints(let values)):
            return .init(name: source.name, shape: source.shape, values: .ints(values.map { $0 == 0 ? 0 : 1 }))
        case (2...7, .floats(let values)), (12...13, .floats(let values)):
            let ints = try values.map { value in
                guard let whole = Int64(exactly: value.rounded(.towardZero)) else {
                    throw fields.refusal("it casts \(value) to an integer")
                }
                return whole
            }
            return .init(name: source.name, shape: source.shape, values: .ints(ints))
        default: throw fields.refusal("to = \(type)")
        }
    }

    /// The same values in another shape.
    private func newShape(_ op: String, _ source: ONNXConstant, _ given: [Int]?, _ fields: inout ONNXFields) throws
        -> [Int]
    {
        let shape = source.shape
        func places(_ axes: [Int], _ rank: Int) throws -> Set<Int> {
            let places = Set(
                try axes.map { axis in
                    guard (-rank..<rank).contains(axis) else { throw fields.refusal("axis \(axis) of \(rank)") }
                    return axis < 0 ? axis + rank : axis
                })
            guard places.count == axes.count else { throw fields.refusal("its axes are \(axes)") }
            return places
        }
        switch op {
        case "Squeeze":
            let gone = try given.map { try places($0, shape.count) } ?? Set(shape.indices.filter { shape[$0] == 1 })
            guard gone.allSatisfy({ shape[$0] == 1 }) else { throw fields.refusal("its axes are not of one value") }
            return shape.indices.filter { !gone.contains($0) }.map { shape[$0] }
        case "Unsqueeze":
            let rank = shape.count + (given?.count ?? 0)
            let new = try places(given ?? [], rank)
            var rest = shape[...]
            return (0..<rank).map { new.contains($0) ? 1 : rest.popFirst() ?? 1 }
        case "Flatten":
            let axis = try fields.int("axis") ?? 1
            guard (-shape.count...shape.count).contains(axis) else { throw fields.refusal("axis = \(axis)") }
            let place = axis < 0 ? axis + shape.count : axis
            return [shape[..<place].reduce(1, *), shape[place...].reduce(1, *)]
        default:
            let keepsZeros = try fields.int("allowzero") ?? 0 != 0
            guard var sizes = given else { throw fields.refusal("its shape is missing") }
            for index in sizes.indices where sizes[index] == 0 && !keepsZeros {
                guard index < shape.count else { throw fields.refusal("its shape is \(sizes)") }
                sizes[index] = shape[index]
            }
            if let free = sizes.firstIndex(of: -1) {
                guard let known = ONNXConstant.count(sizes.enumerated().filter { $0.offset != free }.map(\.element)),
                    known > 0
                else { throw fields.refusal("its shape is \(sizes)") }
                sizes[free] = source.count / known
            }
            guard ONNXConstant.count(sizes) == source.count else {
                throw fields.refusal("it makes \(sizes.said) of \(shape.said)")
            }
            return sizes
        }
    }

    private mutating func slice(
        _ source: ONNXConstant, _ starts: [Int]?, _ ends: [Int]?, _ given: [Int]?, _ steps: [Int]?, _ name: String,
        _ fields: ONNXFields
    ) throws -> ONNXConstant {
        guard let starts, let ends, starts.count == ends.count else {
            throw fields.refusal("starts or ends are missing")
        }
        let axes = given ?? Array(starts.indices)
        let steps = steps ?? [Int](repeating: 1, count: starts.count)
        guard axes.count == starts.count, steps.count == starts.count else {
            throw fields.refusal("axes or steps do not fit")
        }
        var (shape, strides, offset) = (source.shape, source.strides, 0)
        let original = source.strides
        var seen: Set<Int> = []
        for index in axes.indices {
            let rank = shape.count
            guard (-rank..<rank).contains(axes[index]) else { throw fields.refusal("axis \(axes[index]) of \(rank)") }
            let axis = axes[index] < 0 ? axes[index] + rank : axes[index]
            let size = source.shape[axis]
            let step = steps[index]
            guard seen.insert(axis).inserted, step != 0, step.magnitude <= Int32.max else {
                throw fields.refusal("an axis twice, or steps \(steps)")
            }
            // Backwards, the last place is -1: before the first.
            let range = step > 0 ? 0...size : -1...(size - 1)
            func clamp(_ place: Int) -> Int {
                min(max(place < 0 ? max(place, -size - 1) + size : place, range.lowerBound), range.upperBound)
            }
            let (start, end) = (clamp(starts[index]), clamp(ends[index]))
            let distance = step > 0 ? end - start : start - end
            shape[axis] = max(0, (distance + Int(step.magnitude) - 1) / Int(step.magnitude))
            offset += shape[axis] == 0 ? 0 : start * original[axis]
            strides[axis] = original[axis] * (shape[axis] > 1 ? step : 1)
        }
        try spend(ONNXConstant.count(shape) ?? Int.max, fields)
        return source.picked(shape, strides: strides, offset: offset, name: name)
    }

    /// Two inputs or more (Min, Max), broadcast against each other.
    private mutating func elementwise(_ op: String, _ inputs: [ONNXConstant], _ name: String, _ fields: ONNXFields)
        throws
        -> ONNXConstant
    {
        var result = inputs[0]
        for other in inputs.dropFirst() {
            guard let shape = ONNXConstant.broadcast(result.shape, other.shape) else {
                throw fields.refusal("its shapes do not fit")
            }
            try spend(ONNXConstant.count(shape) ?? Int.max, fields)
            guard let first = result.strides(broadcastTo: shape), let second = other.strides(broadcastTo: shape) else {
                throw fields.refusal("its shapes do not fit")
            }
            let a = result.picked(shape, strides: first, name: name)
            let b = other.picked(shape, strides: second, name: name)
            switch (a.values, b.values) {
            case (.floats(let x), .floats(let y)):
                if op == "Equal" {
                    result = .init(name: name, shape: shape, values: .ints(x.indices.map { x[$0] == y[$0] ? 1 : 0 }))
                    continue
                }
                let combine: (Float, Float) -> Float =
                    switch op {
                    case "Add": { $0 + $1 }
                    case "Sub": { $0 - $1 }
                    case "Mul": { $0 * $1 }
                    case "Div": { $0 / $1 }
                    case "Min": { Swift.min($0, $1) }
                    case "Max": { Swift.max($0, $1) }
                    default: throw fields.refusal("it is not computed on floats")
                    }
                result = .init(name: name, shape: shape, values: .floats(x.indices.map { combine(x[$0], y[$0]) }))
            case (.ints(let x), .ints(let y)):
                if op == "Div", y.contains(0) { throw fields.refusal("it divides by zero") }
                let combine: (Int64, Int64) -> Int64 =
                    switch op {
                    case "Add": { $0 &+ $1 }
                    case "Sub": { $0 &- $1 }
                    case "Mul": { $0 &* $1 }
                    case "Div": { $0.dividedReportingOverflow(by: $1).partialValue }
                    case "Min": { Swift.min($0, $1) }
                    case "Max": { Swift.max($0, $1) }
                    case "Equal": { $0 == $1 ? 1 : 0 }
                    default: throw fields.refusal("it is not computed on integers")
                    }
                result = .init(name: name, shape: shape, values: .ints(x.indices.map { combine(x[$0], y[$0]) }))
            default: throw fields.refusal("its inputs are of different types")
            }
        }
        return result
    }
}

extension ONNXConstant {
    fileprivate var floats: [Float]? { if case .floats(let values) = values { values } else { nil } }
    fileprivate var ints: [Int64]? { if case .ints(let values) = values { values } else { nil } }

    fileprivate func mapped(
        _ name: String, _ shape: [Int], _ floats: ([Float]) -> [Float], _ ints: ([Int64]) -> [Int64]
    ) -> ONNXConstant {
        switch values {
        case .floats(let values): .init(name: name, shape: shape, values: .floats(floats(values)))
        case .ints(let values): .init(name: name, shape: shape, values: .ints(ints(values)))
        }
    }
}
