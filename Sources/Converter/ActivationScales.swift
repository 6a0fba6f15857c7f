// ActivationScales: which edges share a scale, and what each scale is. Pools and concat move bytes without arithmetic,
// so their inputs and output must have one scale and zero point. For a concat there is a way out: a table that changes
// an input's scale on the way in.
//
// The rule for concat: an input that nothing else reads is produced in the concat's scale at once. Features that
// something else reads keep their own scale, with a table before the concat: a few hundred bytes a photo. (RMG-PMSI's
// interaction: x₁…x₃ and m₁…m₃, each read by a concat and by ops of its stage.) An image that something else reads does
// so where the concat's steps are more than 1.25 times as wide: sharing would raise the rounding noise of the other
// reader by more than 2 dB.

import ModelGraph

package struct ActivationScales: Sendable {
    /// Of every step's output.
    package private(set) var affine: [String: AffineScale] = [:]
    /// Inputs that go into a concat through a table, by the concat step's index.
    package private(set) var rescaled: [Int: Set<String>] = [:]

    package static let widestShared = 1.25

    package init(_ calibrated: CalibratedGraph, by method: RangeMethod) {
        var groups = Groups(calibrated, method)
        let steps = calibrated.fused.steps
        for (index, step) in steps.enumerated() where step.op == .concat {
            for input in Set(step.inputs).sorted() {
                if groups.isOneGroup(input, step.output) {
                    groups.bypass(reader: index, of: input)
                    continue
                }
                let own = groups.range(of: input, ignoring: index)
                let joined = groups.range(of: step.output, ignoring: nil)
                let isFeatures = calibrated.fused.shapes[input]?.count == 1
                if let own, let joined, isFeatures || joined.width > Self.widestShared * own.width {
                    rescaled[index, default: []].insert(input)
                } else {
                    groups.bypass(reader: index, of: input)
                    groups.join(input, step.output)
                }
            }
        }
        for step in steps {
            let range = groups.range(of: step.output, ignoring: nil) ?? ActivationRange(low: 0, high: 0)
            affine[step.output] = AffineScale(covering: range)
        }
    }
}

extension ActivationRange {
    var width: Double { high - low }
}

/// Edges that share a scale, and the range that each group needs: that of the values which are computed with. What only
/// passes through to another edge of the group (a convolution's output under a global max pool) does not widen it.
private struct Groups {
    private let calibrated: CalibratedGraph
    private let method: RangeMethod
    private var parent: [String: String] = [:]
    /// Steps that compute with an edge's values, by edge.
    private var readers: [String: Set<Int>] = [:]
    private var cache: [String: ActivationRange?] = [:]

    init(_ calibrated: CalibratedGraph, _ method: RangeMethod) {
        self.calibrated = calibrated
        self.method = method
        for step in calibrated.fused.steps { parent[step.output] = step.output }
        for (index, step) in calibrated.fused.steps.enumerated() {
            switch step.op {
            case .globalMaxPool, .maxPool: join(step.inputs[0], step.output)
            default: for input in step.inputs { readers[input, default: []].insert(index) }
            }
        }
        readers[calibrated.fused.graph.output, default: []].insert(calibrated.fused.steps.count)
    }

    private func root(_ edge: String) -> String {
        var edge = edge
        while let next = parent[edge], next != edge { edge = next }
        return edge
    }

    func isOneGroup(_ a: String, _ b: String) -> Bool { root(a) == root(b) }

    mutating func join(_ a: String, _ b: String) {
        parent[root(a)] = root(b)
        cache = [:]
    }

    /// The reader passes the bytes on within the group.
    mutating func bypass(reader: Int, of edge: String) {
        readers[edge]?.remove(reader)
        cache = [:]
    }

    /// Of `edge`'s group; nil where nothing but `ignored` computes with it.
    mutating func range(of edge: String, ignoring ignored: Int?) -> ActivationRange? {
        let group = root(edge)
        let key = "\(group) \(ignored ?? -1)"
        if let known = cache[key] { return known }
        let result = computeRange(group, ignoring: ignored)
        cache[key] = result
        return result
    }

    private func computeRange(_ group: String, ignoring ignored: Int?) -> ActivationRange? {
        let steps = calibrated.fused.steps
        let output = calibrated.fused.graph.output
        var histogram = EdgeHistogram()
        var consumers: Set<Int> = []
        var holdsOutput = false
        for step in steps where root(step.output) == group {
            var edgeReaders = readers[step.output] ?? []
            if let ignored { edgeReaders.remove(ignored) }
            guard !edgeReaders.isEmpty, let statistics = calibrated.edges[step.output] else { continue }
            histogram.merge(statistics.histogram)
            consumers.formUnion(edgeReaders)
            holdsOutput = holdsOutput || step.output == output
        }
        guard !consumers.isEmpty else { return nil }
        // The best answer must never be clipped into a tie with the second.
        if holdsOutput { return RangeSelection.range(of: histogram, by: .minMax) }
        let ops = consumers.map { steps[$0].op }
        let function = ops.dropFirst().allSatisfy { $0 == ops[0] } ? ops[0].table : nil
        return RangeSelection.range(of: histogram, by: method, before: function)
    }
}
