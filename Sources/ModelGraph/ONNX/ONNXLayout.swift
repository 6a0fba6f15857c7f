// ONNXLayout: what the axes of an ONNX tensor mean. Each axis of the tensor is a list of axes of the image N C H W: an
// N H W C image is [[N], [H], [W], [C]], a flattened one [[N], [C, H, W]], pooled features [[N], [C], [], []]. So
// Transpose, Flatten, Reshape, Squeeze and Unsqueeze only rename axes, and a network in either order becomes one graph.
// Axes of one value are left out of the lists (except N), since nothing depends on where they stand.

enum ImageAxis {
    case batch, channel, row, column
}

typealias ONNXLayout = [[ImageAxis]]

/// An edge of the graph in the order in which an ONNX node sees it.
struct ONNXActivation {
    var edge: Int
    var layout: ONNXLayout
}

enum ONNXValue {
    case constant(ONNXConstant)
    case activation(ONNXActivation)
}

extension ONNXReader {
    func size(_ axis: ImageAxis, of edge: Int) -> Int {
        let shape = network.edges[edge].shape
        switch axis {
        case .batch: return batch
        case .channel: return shape[0]
        case .row: return shape.count == 3 ? shape[1] : 1
        case .column: return shape.count == 3 ? shape[2] : 1
        }
    }

    /// These axes without those of one value.
    func present(_ axes: [ImageAxis], of edge: Int) -> [ImageAxis] {
        axes.filter { $0 == .batch || size($0, of: edge) > 1 }
    }

    func imageLayout(of edge: Int) -> ONNXLayout {
        [[.batch], present([.channel], of: edge), present([.row], of: edge), present([.column], of: edge)]
    }

    /// The ONNX tensor's shape, N as the file gives it, or 1.
    func dimensions(_ value: ONNXActivation) -> [Int] {
        value.layout.map { $0.reduce(1) { $0 * size($1, of: value.edge) } }
    }

    func said(_ value: ONNXActivation) -> String {
        let axes = zip(value.layout, dimensions(value)).map { group, size in
            group == [.batch]
                ? "N"
                : group.count > 1
                    ? "(" + group.map { $0 == .batch ? "N" : "\(self.size($0, of: value.edge))" }.joined(separator: "·")
                        + ")"
                    : "\(size)"
        }
        return axes.isEmpty ? "one value" : axes.joined(separator: " × ")
    }

    /// The same values in another shape, where no axis of the image has to be taken apart; else nil.
    func reshaped(_ value: ONNXActivation, to sizes: [Int]) -> ONNXActivation? {
        var axes = value.layout.flatMap { $0 }[...]
        var layout: ONNXLayout = []
        for size in sizes {
            var group: [ImageAxis] = []
            var product = 1
            if size == 1, axes.first == .batch, batch == 1 { group.append(axes.removeFirst()) }
            while product < size {
                guard let axis = axes.popFirst() else { return nil }
                group.append(axis)
                product *= self.size(axis, of: value.edge)
            }
            guard product == size else { return nil }
            layout.append(group)
        }
        return axes.isEmpty ? ONNXActivation(edge: value.edge, layout: layout) : nil
    }

    /// An image's height and width of one, seen as features [C]: its pixel is pooled. Once an edge.
    mutating func features(_ edge: Int) throws -> Int {
        if network.edges[edge].shape.count == 1 { return edge }
        if let known = pooled[edge] { return known }
        let name = network.newName(network.edges[edge].name + "/features")
        let result = try network.append(
            .graph(.globalAveragePool), [edge], output: name, name: network.newName(name + "/pool"),
            source: "GlobalAveragePool")
        pooled[edge] = result
        return result
    }

    /// One value a channel and no more: pooled, or the logits.
    func isFeatures(_ value: ONNXActivation) -> Bool {
        value.layout.flatMap { $0 } == [.batch] + present([.channel], of: value.edge)
    }
}
