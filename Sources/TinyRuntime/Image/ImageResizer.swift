// ImageResizer: an antialiased resize of RGB bytes, equal byte for byte to Pillow's `Image.resize` (BILINEAR or
// BICUBIC), and of a window of the result only where that is all that is wanted. The source may come turned or mirrored,
// as EXIF says. Left out: other filters, other pixel kinds, alpha.
//
// The source's rows come one at a time, each is read once, and what leads to no pixel of the window is not computed: the
// memory is a few rows whatever the source's height. Some rows at a time are summed into every output row that they count
// for; an output row is rounded and written when its last source row has come. The walk is tk_resize.h's, the sums are
// kernels (tk_resample.h); sizes, weights, order and memory are decided here.
//
// Rounding between the two passes makes their order visible. Since version 13 Pillow runs the vertical pass first where
// the height loses more than twice as many pixels as the width (its pull request 9549), and so does this; older
// versions always began with the rows. Vertical means: of the picture as it is shown. Where it comes turned by 90°, its
// rows are the shown picture's columns, and the order is the other one here.

import CTinyKernels

public struct ImageResizer: ~Copyable {
    public static let maximumSourceSide = 65535
    public static let maximumTargetSide = 16384
    /// Bounds the working memory: at most 12 bytes an output pixel, and that only when enlarging without end.
    public static let maximumOutputPixels = 1 << 24

    public let outputWidth: Int
    public let outputHeight: Int
    private let resize: tk_resize
    // What it points to.
    private let columnAxis: ResampleAxis
    private let rowAxis: ResampleAxis
    private let columns: ResampleColumns
    private let block: UnsafeMutableRawPointer

    /// The resize of a whole image to width × height.
    ///
    /// - Throws: `PreprocessingError.sourceSize`, `.resizeSize`, `.outputPixels`, `.outOfMemory`.
    public init(
        sourceWidth: Int, sourceHeight: Int, width: Int, height: Int, filter: ResizeFilter,
        instructionSet: InstructionSet? = nil
    ) throws(PreprocessingError) {
        guard (1...Self.maximumTargetSide).contains(width), (1...Self.maximumTargetSide).contains(height) else {
            throw .resizeSize(width: width, height: height)
        }
        try self.init(
            sourceWidth: sourceWidth, sourceHeight: sourceHeight, resizedWidth: width, resizedHeight: height,
            filter: filter, x: 0, y: 0, width: width, height: height, instructionSet: instructionSet)
    }

    /// A window of the resized image: x, y, width, height lie inside resizedWidth × resizedHeight.
    ///
    /// - Parameters:
    ///   - sourceWidth, sourceHeight: of the source as its rows come, before it is turned.
    ///   - orientation: EXIF's, 1…8: how the source must be turned to be shown; all other sizes are those of the shown image.
    ///   - instructionSet: must be available; nil: the fastest. The result is the same with any.
    /// - Throws: `PreprocessingError.sourceSize`, `.resizeSize`, `.cropSize`, `.outputPixels`, `.outOfMemory`.
    @inline(never)
    public init(
        sourceWidth: Int, sourceHeight: Int, resizedWidth: Int, resizedHeight: Int, filter: ResizeFilter,
        x: Int, y: Int, width: Int, height: Int, orientation: Int = 1, instructionSet: InstructionSet? = nil
    ) throws(PreprocessingError) {
        guard (1...Self.maximumSourceSide).contains(sourceWidth), (1...Self.maximumSourceSide).contains(sourceHeight)
        else {
            throw .sourceSize(width: sourceWidth, height: sourceHeight)
        }
        // What a short side of maximumTargetSide can make of the thinnest source; Int32 holds twice of it.
        let resizedSides = 1...(Self.maximumTargetSide * Self.maximumSourceSide)
        guard resizedSides.contains(resizedWidth), resizedSides.contains(resizedHeight) else {
            throw .resizeSize(width: resizedWidth, height: resizedHeight)
        }
        guard
            width > 0, height > 0, x >= 0, y >= 0,
            width <= resizedWidth, height <= resizedHeight, x <= resizedWidth - width, y <= resizedHeight - height
        else {
            throw .cropSize(
                cropWidth: width, cropHeight: height, resizedWidth: resizedWidth, resizedHeight: resizedHeight)
        }
        guard width <= Self.maximumOutputPixels / height else { throw .outputPixels(width: width, height: height) }
        let turn = Turn(orientation: orientation)
        let columnAxis = try ResampleAxis(
            source: sourceWidth, target: turn.isTransposed ? resizedHeight : resizedWidth,
            first: turn.isTransposed ? y : x, count: turn.isTransposed ? height : width, filter: filter,
            mirrored: turn.mirrorsColumns)
        let rowAxis = try ResampleAxis(
            source: sourceHeight, target: turn.isTransposed ? resizedWidth : resizedHeight,
            first: turn.isTransposed ? x : y, count: turn.isTransposed ? width : height, filter: filter,
            mirrored: turn.mirrorsRows)
        let columns = try ResampleColumns(columnAxis)
        let (shownWidth, shownHeight) =
            turn.isTransposed ? (sourceHeight, sourceWidth) : (sourceWidth, sourceHeight)
        let verticalFirst =
            resizedHeight < shownHeight && shownHeight - resizedHeight > 2 * (shownWidth - resizedWidth)
        // Where only one pass changes anything there is no order.
        let rowsFirst = !columnAxis.isIdentity && verticalFirst != turn.isTransposed
        let lineBytes = columnAxis.count * 3
        let rowBytes = rowsFirst ? (columnAxis.endSource - columnAxis.firstSource) * 3 : lineBytes
        let slots = rowAxis.isIdentity ? 0 : rowAxis.overlap
        let paddedBytes = columns.width * 3
        let otherBytes = Int(tk_resize_batch_rows) * rowBytes + paddedBytes + lineBytes
        let (sumBytes, overflow) = (4 * rowBytes).multipliedReportingOverflow(by: slots)
        guard !overflow, sumBytes <= Int.max - otherBytes, let block = tk_allocate(sumBytes + otherBytes) else {
            throw .outOfMemory
        }
        var resize = tk_resize()
        resize.resampler = tk_resampler_for(instructionSet?.code ?? tk_best_isa())
        resize.columns = columnAxis.view
        resize.rows = rowAxis.view
        resize.packed = columns.operation
        resize.padded_bytes = paddedBytes
        resize.rows_first = rowsFirst ? 1 : 0
        turn.place(in: &resize, width: width, height: height)
        resize.row_bytes = rowBytes
        resize.slots = slots
        // Sums first: they want the alignment.
        resize.sums = block.assumingMemoryBound(to: Int32.self)
        resize.padded = (block + sumBytes).assumingMemoryBound(to: UInt8.self)
        resize.padded.update(repeating: 0, count: paddedBytes)
        resize.line = resize.padded + paddedBytes
        resize.batch = resize.line + lineBytes
        outputWidth = width
        outputHeight = height
        self.resize = resize
        self.columnAxis = columnAxis
        self.rowAxis = rowAxis
        self.columns = columns
        self.block = block
    }

    deinit { tk_free(block) }

    /// Resizes one image. Uses working memory of this value: one call at a time.
    ///
    /// - Parameters:
    ///   - source: sourceHeight rows of sourceWidth × 3 bytes, `sourceRowBytes` apart.
    ///   - output: outputHeight × outputWidth × 3 bytes, written without gaps; must not overlap the source.
    public func run(source: UnsafePointer<UInt8>, sourceRowBytes: Int, output: UnsafeMutablePointer<UInt8>) {
        var rows = PackedRows(pixels: source, rowBytes: sourceRowBytes)
        _ = withUnsafeMutablePointer(to: &rows) {
            run(rows: ImageRows(context: UnsafeMutableRawPointer($0), PackedRows.row), output: output)
        }
    }

    /// The same from rows that come one at a time.
    ///
    /// - Returns: false where `rows` had none to give; what was written then means nothing.
    public func run(rows: ImageRows, output: UnsafeMutablePointer<UInt8>) -> Bool {
        withUnsafePointer(to: resize) { tk_resize_run($0, rows.function, rows.context, output) }
    }
}

/// EXIF's orientation: how the stored image is turned to be shown.
private struct Turn {
    /// Stored rows are shown columns.
    let isTransposed: Bool
    /// The first stored column, or row, is shown at the far end.
    let mirrorsColumns: Bool
    let mirrorsRows: Bool

    init(orientation: Int) {
        isTransposed = orientation >= 5
        mirrorsColumns = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8
        mirrorsRows = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7
    }

    /// Where the pixels of a stored-way-round result go in one of width × height.
    func place(in resize: inout tk_resize, width: Int, height: Int) {
        let (step, rowStep) = isTransposed ? (width, 1) : (1, width)
        let (columns, rows) = isTransposed ? (height, width) : (width, height)
        resize.origin = (mirrorsColumns ? (columns - 1) * step : 0) + (mirrorsRows ? (rows - 1) * rowStep : 0)
        resize.step = mirrorsColumns ? -step : step
        resize.row_step = mirrorsRows ? -rowStep : rowStep
    }
}
