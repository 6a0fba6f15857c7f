// ResampleAxis: one axis of a resize. For each output position it says which source positions count and with what
// weight.
//
// An output pixel's centre is mapped into the source; the filter (triangle or Keys' cubic with a = -0.5) is stretched
// by the scale when reducing, which is what makes the resize antialiased; the weights that fall inside the source are
// normalized to a sum of 1 and rounded to 22 fractional bits. This is Pillow's `Image.resize`, and equal to it bit for
// bit: weights are computed in Double in the same order of operations (+ − × ÷ only, no fused multiply-add), and
// everything after them is integers.

import CTinyKernels

struct ResampleAxis: ~Copyable {
    /// Fractional bits of a weight: a sum of bytes times weights, negative lobes included, stays within Int32.
    static let fractionBits = Int32(tk_resample_fraction_bits)

    let count: Int
    /// First source position of each output position; ascending.
    let starts: UnsafeMutablePointer<Int32>
    /// One past the last source position of each output position; ascending.
    let ends: UnsafeMutablePointer<Int32>
    /// count × stride; of each row the first `ends − starts` values are set.
    let weights: UnsafeMutablePointer<Int32>
    let stride: Int
    /// Output position i is source position i + `firstSource`, unchanged.
    let isIdentity: Bool
    /// The source positions that count: firstSource..<endSource.
    let firstSource: Int
    let endSource: Int

    /// Weights of output positions first..<first + count of an axis resized from `source` to `target` positions.
    ///
    /// - Parameter mirrored: source positions are counted from the other end, and so are the output positions here: 0 is the last one.
    /// - Throws: `PreprocessingError.outOfMemory`.
    init(
        source: Int, target: Int, first: Int, count: Int, filter: ResizeFilter, mirrored: Bool = false
    ) throws(PreprocessingError) {
        let scale = Double(source) / Double(target)
        let stretch = scale < 1 ? 1 : scale
        let inverseStretch = 1 / stretch
        let support = Self.support(of: filter) * stretch
        // ⌈support⌉ on both sides and the middle; no more than the source has.
        let widest = Int(support) + (Double(Int(support)) < support ? 1 : 0)
        stride = min(widest * 2 + 1, source)
        self.count = count
        isIdentity = source == target
        // Only an enlarged thin source has so many weights that their number leaves 32 bits.
        let (cells, overflow) = count.multipliedReportingOverflow(by: stride + 2)
        let (bytes, overflow2) = cells.multipliedReportingOverflow(by: 4)
        guard !overflow, !overflow2, let block = tk_allocate(bytes), let scratch = tk_allocate(8 * stride) else {
            throw .outOfMemory
        }
        defer { tk_free(scratch) }
        let exact = scratch.bindMemory(to: Double.self, capacity: stride)
        starts = block.bindMemory(to: Int32.self, capacity: cells)
        ends = starts + count
        weights = ends + count

        for index in 0..<count {
            let center = (Double(first + index) + 0.5) * scale
            let start = max(Int(center - support + 0.5), 0)
            let end = min(Int(center + support + 0.5), source)
            var sum = 0.0
            for tap in 0..<(end - start) {
                let weight = Self.value(of: filter, at: (Double(start + tap) - center + 0.5) * inverseStretch)
                exact[tap] = weight
                sum += weight
            }
            // Mirrored weights are the others in reverse, not computed anew: rounding differs.
            let place = mirrored ? count - 1 - index : index
            let row = weights + place * stride
            for tap in 0..<(end - start) {
                let weight = (sum != 0 ? exact[tap] / sum : exact[tap]) * Double(1 << Self.fractionBits)
                row[mirrored ? end - start - 1 - tap : tap] = Int32(weight < 0 ? weight - 0.5 : weight + 0.5)
            }
            starts[place] = Int32(mirrored ? source - end : start)
            ends[place] = Int32(mirrored ? source - start : end)
        }
        firstSource = !isIdentity ? Int(starts[0]) : mirrored ? source - first - count : first
        endSource = isIdentity ? firstSource + count : Int(ends[count - 1])
    }

    deinit {
        tk_free(starts)
    }

    /// Most output positions that one source position counts for.
    var overlap: Int {
        var most = 0
        var oldest = 0
        for index in 0..<count {
            while ends[oldest] <= starts[index] { oldest += 1 }
            most = max(most, index - oldest + 1)
        }
        return most
    }

    /// As the kernels read it; valid as long as this value.
    var view: tk_resize_axis {
        tk_resize_axis(
            count: Int32(count), first_source: Int32(firstSource), end_source: Int32(endSource),
            is_identity: isIdentity ? 1 : 0, stride: Int32(stride), starts: starts, ends: ends, weights: weights)
    }

    /// Most source positions that an output position sums.
    var taps: Int {
        var most = 0
        for index in 0..<count { most = max(most, Int(ends[index] - starts[index])) }
        return most
    }

    private static func support(of filter: ResizeFilter) -> Double {
        switch filter {
        case .bilinear: 1
        case .bicubic: 2
        }
    }

    private static func value(of filter: ResizeFilter, at position: Double) -> Double {
        let x = position < 0 ? -position : position
        switch filter {
        case .bilinear:
            return x < 1 ? 1 - x : 0
        case .bicubic:
            if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
            if x < 2 { return (((x - 5) * x + 8) * x - 4) * -0.5 }
            return 0
        }
    }
}
