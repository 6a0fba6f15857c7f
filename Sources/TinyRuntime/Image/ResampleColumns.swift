// ResampleColumns: the weights of an axis as the sums over columns read them (tk_resize_pack), and their memory.

import CTinyKernels

struct ResampleColumns: ~Copyable {
    let operation: tk_resample_columns
    /// Source pixels that the sums read, from `axis.firstSource` on: more than count where the source is narrow.
    let width: Int
    private let block: UnsafeMutableRawPointer?

    /// Of an axis that changes nothing there are none.
    ///
    /// - Throws: `PreprocessingError.outOfMemory`.
    init(_ axis: borrowing ResampleAxis) throws(PreprocessingError) {
        let group = Int(tk_resample_group)
        let groups = axis.isIdentity ? 0 : (axis.taps + group - 1) / group
        let weightBytes = 4 * groups * group
        width = max(axis.endSource - axis.firstSource, groups * group)
        let (bytes, overflow) = axis.count.multipliedReportingOverflow(by: weightBytes + 4)
        guard !overflow, let block = tk_allocate(bytes) else { throw .outOfMemory }
        self.block = block
        // Weights first: they want the alignment.
        let weights = block.assumingMemoryBound(to: Int16.self)
        let starts = (block + axis.count * weightBytes).assumingMemoryBound(to: Int32.self)
        operation = tk_resample_columns(
            count: Int32(axis.count), groups: Int32(groups), starts: starts, weights: weights)
        guard !axis.isIdentity else { return }
        var view = axis.view
        tk_resize_pack(&view, Int32(groups), starts, weights)
    }

    deinit { tk_free(block) }
}
