// RGBRows: where a resize takes its source from: rows of RGB bytes, one at a time, so that other kinds of pixels need no converted copy.

protocol RGBRows {
    /// width × 3 bytes R G B, valid until the next call.
    func row(_ index: Int) -> UnsafePointer<UInt8>
}

/// Rows that are RGB already.
struct PackedRows: RGBRows {
    let pixels: UnsafePointer<UInt8>
    let rowBytes: Int

    func row(_ index: Int) -> UnsafePointer<UInt8> { pixels + index * rowBytes }
}
