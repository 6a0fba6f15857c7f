// ImageRows: where a resize takes its source from: rows of RGB bytes, one at a time, as a decoder or a camera's frame gives them, so that no
// copy of a whole picture exists. A C function, so that a decoder in C needs nothing in between.

public struct ImageRows {
    /// Row `index`, width × 3 bytes R G B, valid until the next call; nil: there is none, the resize ends. Asked in ascending order, for each
    /// row at most once.
    public typealias Function = @convention(c) (_ context: UnsafeMutableRawPointer?, _ index: Int) -> UnsafePointer<UInt8>?

    let function: Function
    let context: UnsafeMutableRawPointer?

    /// - Parameter context: handed to each call of `function`.
    public init(context: UnsafeMutableRawPointer?, _ function: Function) {
        self.function = function
        self.context = context
    }
}

/// Rows that lie in memory as RGB.
struct PackedRows {
    let pixels: UnsafePointer<UInt8>
    let rowBytes: Int

    static let row: ImageRows.Function = { context, index in
        guard let rows = context?.assumingMemoryBound(to: PackedRows.self).pointee else { return nil }
        return rows.pixels + index * rows.rowBytes
    }
}
