// Concat along the last axis, and split, its inverse: copies of rows, so the fast backend has nothing to add.

extension PlainBackend {
    package func concat(_ parts: [Tensor]) -> Tensor {
        guard let first = parts.first, !first.shape.isEmpty else {
            preconditionFailure("concat of \(parts.map(\.shape))")
        }
        let outer = Array(first.shape.dropLast())
        var total = 0
        for part in parts {
            precondition(part.shape.dropLast().elementsEqual(outer), "concat of \(parts.map(\.shape))")
            total += part.shape[outer.count]
        }
        let result = makeTensor(shape: outer + [total])
        let rows = outer.reduce(1, *)
        var offset = 0
        for part in parts {
            let size = part.shape[outer.count]
            for row in 0..<rows {
                (result.host + row * total + offset).update(from: part.host + row * size, count: size)
            }
            offset += size
        }
        return result
    }

    package func split(_ x: Tensor, sizes: [Int]) -> [Tensor] {
        precondition(
            x.shape.last == sizes.reduce(0, +) && sizes.allSatisfy { $0 >= 0 }, "split of \(x.shape) into \(sizes)")
        let outer = Array(x.shape.dropLast())
        let total = sizes.reduce(0, +)
        let rows = outer.reduce(1, *)
        var offset = 0
        return sizes.map { size in
            let part = makeTensor(shape: outer + [size])
            for row in 0..<rows {
                (part.host + row * size).update(from: x.host + row * total + offset, count: size)
            }
            offset += size
            return part
        }
    }
}
