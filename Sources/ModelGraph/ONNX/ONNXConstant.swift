// ONNXConstant: a tensor whose values the file itself gives, or that follows from such: weights, bounds, axes, shapes.
// All of ONNX's float types become Float, all integers and booleans Int64; which of the integers it was does not matter
// to a network that is only read. Picking with strides is the one way in which transpose, slice and broadcast are made.

struct ONNXConstant {
    enum Values {
        case floats([Float])
        case ints([Int64])
    }

    /// More axes than any operator has; a file may not make the reader walk a million of size 1.
    static let rankLimit = 16

    /// The initializer's or edge's, under which it becomes a weight of the graph.
    var name: String
    var shape: [Int]
    var values: Values

    var count: Int {
        switch values {
        case .floats(let values): values.count
        case .ints(let values): values.count
        }
    }

    /// Row-major.
    var strides: [Int] {
        var result = [Int](repeating: 1, count: shape.count)
        for axis in stride(from: shape.count - 2, through: 0, by: -1) {
            result[axis] = result[axis + 1] * shape[axis + 1]
        }
        return result
    }

    /// How far one step along each axis of `target` goes in this tensor, 0 where it is broadcast; nil where it does not
    /// fit.
    func strides(broadcastTo target: [Int]) -> [Int]? {
        guard shape.count <= target.count else { return nil }
        var result = [Int](repeating: 0, count: target.count)
        let own = strides
        for (axis, size) in shape.enumerated() {
            let place = target.count - shape.count + axis
            if size == target[place] {
                result[place] = own[axis]
            } else if size != 1 {
                return nil
            }
        }
        return result
    }

    /// The tensor of `shape` whose value at a place is this one's value number `offset + Σ place · strides`. The caller
    /// has checked that every such number exists.
    func picked(_ shape: [Int], strides: [Int], offset: Int = 0, name: String) -> ONNXConstant {
        let count = shape.reduce(1, *)
        func pick<Element>(_ source: [Element]) -> [Element] {
            var place = [Int](repeating: 0, count: shape.count)
            var index = offset
            return (0..<count).map { _ in
                let value = source[index]
                for axis in stride(from: shape.count - 1, through: 0, by: -1) {
                    place[axis] += 1
                    index += strides[axis]
                    if place[axis] < shape[axis] { break }
                    index -= place[axis] * strides[axis]
                    place[axis] = 0
                }
                return value
            }
        }
        switch values {
        case .floats(let source): return .init(name: name, shape: shape, values: .floats(pick(source)))
        case .ints(let source): return .init(name: name, shape: shape, values: .ints(pick(source)))
        }
    }

    /// The shape of two tensors' elementwise result; nil where they do not broadcast.
    static func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
        let rank = max(a.count, b.count)
        var result: [Int] = []
        for axis in 0..<rank {
            let first = axis < rank - a.count ? 1 : a[axis - (rank - a.count)]
            let second = axis < rank - b.count ? 1 : b[axis - (rank - b.count)]
            guard first == second || first == 1 || second == 1 else { return nil }
            result.append(first == 1 ? second : first)
        }
        return result
    }

    /// Product of sizes; nil where one is negative, or where the product of those that are not 0 is beyond any tensor, so
    /// that no stride overflows.
    static func count(_ shape: some Sequence<Int>) -> Int? {
        var product = 1
        var hasZero = false
        for size in shape {
            guard (0...countLimit).contains(size) else { return nil }
            hasZero = hasZero || size == 0
            product *= max(size, 1)
            guard product <= countLimit else { return nil }
        }
        return hasZero ? 0 : product
    }

    private static let countLimit = FloatGraph.Limit.values
}
