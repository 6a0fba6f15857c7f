// ImageResizer: an antialiased resize of RGB bytes, equal byte for byte to Pillow's `Image.resize` (BILINEAR or
// BICUBIC), and of a window of the result only where that is all that is wanted. Left out: other filters, other pixel
// kinds, alpha.
//
// Rows are resized horizontally one at a time, in the source's order, rounded to bytes, and added with their weights to
// every output row that they count for; an output row is rounded and written when its last source row has come. So each
// source row is read once, rows and columns outside the window are not computed, and the memory is a few rows whatever
// the source's height.
//
// Rounding between the two passes makes their order visible. Since version 13 Pillow runs the vertical pass first where
// the height loses more than twice as many pixels as the width (its pull request 9549), and so does this; older
// versions always began with the rows.

import CTinyKernels

public struct ImageResizer: ~Copyable {
    public static let maximumSourceSide = 65535
    public static let maximumTargetSide = 16384
    /// Bounds the working memory: at most 12 bytes an output pixel, and that only when enlarging without end.
    public static let maximumOutputPixels = 1 << 24

    public let outputWidth: Int
    public let outputHeight: Int
    private let horizontal: ResampleAxis
    private let vertical: ResampleAxis
    private let firstRow: Int
    private let verticalFirst: Bool
    /// The source columns that count: firstColumn..<firstColumn + columns.
    private let firstColumn: Int
    private let columns: Int
    /// What comes between the passes, one row: outputWidth × 3, or columns × 3 where the vertical pass is first.
    private let row: UnsafeMutablePointer<UInt8>
    private let rowBytes: Int
    /// Sums of the output rows under way: slots × rowBytes; output row i uses slot i mod slots.
    private let sums: UnsafeMutablePointer<Int32>
    private let slots: Int

    /// The resize of a whole image to width × height.
    ///
    /// - Throws: `PreprocessingError.sourceSize`, `.resizeSize`, `.outputPixels`, `.outOfMemory`.
    public init(
        sourceWidth: Int, sourceHeight: Int, width: Int, height: Int, filter: ResizeFilter
    ) throws(PreprocessingError) {
        guard (1...Self.maximumTargetSide).contains(width), (1...Self.maximumTargetSide).contains(height) else {
            throw .resizeSize(width: width, height: height)
        }
        try self.init(
            sourceWidth: sourceWidth, sourceHeight: sourceHeight, resizedWidth: width, resizedHeight: height,
            filter: filter, x: 0, y: 0, width: width, height: height)
    }

    /// A window of the resized image: x, y, width, height lie inside resizedWidth × resizedHeight.
    ///
    /// - Throws: `PreprocessingError.sourceSize`, `.resizeSize`, `.cropSize`, `.outputPixels`, `.outOfMemory`.
    public init(
        sourceWidth: Int, sourceHeight: Int, resizedWidth: Int, resizedHeight: Int, filter: ResizeFilter,
        x: Int, y: Int, width: Int, height: Int
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
        let horizontal = try ResampleAxis(
            source: sourceWidth, target: resizedWidth, first: x, count: width, filter: filter)
        let vertical = try ResampleAxis(
            source: sourceHeight, target: resizedHeight, first: y, count: height, filter: filter)
        let firstColumn = horizontal.isIdentity ? x : Int(horizontal.starts[0])
        let columns = horizontal.isIdentity ? width : Int(horizontal.ends[width - 1]) - firstColumn
        // Where only one pass changes anything there is no order.
        let verticalFirst =
            !horizontal.isIdentity && resizedHeight < sourceHeight
            && sourceHeight - resizedHeight > 2 * (sourceWidth - resizedWidth)
        let rowBytes = (verticalFirst ? columns : width) * 3
        let slots = vertical.isIdentity ? 1 : vertical.overlap
        // Sums first: they want the alignment.
        let (sumBytes, overflow) = (4 * rowBytes).multipliedReportingOverflow(by: slots)
        guard !overflow, sumBytes <= Int.max - rowBytes, let block = tk_allocate(sumBytes + rowBytes) else {
            throw .outOfMemory
        }
        outputWidth = width
        outputHeight = height
        firstRow = y
        self.firstColumn = firstColumn
        self.columns = columns
        self.verticalFirst = verticalFirst
        self.rowBytes = rowBytes
        self.slots = slots
        sums = block.bindMemory(to: Int32.self, capacity: slots * rowBytes)
        row = (block + sumBytes).bindMemory(to: UInt8.self, capacity: rowBytes)
        self.horizontal = horizontal
        self.vertical = vertical
    }

    deinit { tk_free(sums) }

    /// Resizes one image. Uses working memory of this value: one call at a time.
    ///
    /// - Parameters:
    ///   - source: sourceHeight rows of sourceWidth × 3 bytes, `sourceRowBytes` apart.
    ///   - output: outputHeight × outputWidth × 3 bytes, written without gaps; must not overlap the source.
    public func run(source: UnsafePointer<UInt8>, sourceRowBytes: Int, output: UnsafeMutablePointer<UInt8>) {
        run(rows: PackedRows(pixels: source, rowBytes: sourceRowBytes), output: output)
    }

    /// The same from rows that come one at a time, each asked for once, in ascending order.
    func run(rows: some RGBRows, output: UnsafeMutablePointer<UInt8>) {
        let outputBytes = outputWidth * 3
        if vertical.isIdentity {
            for index in 0..<outputHeight {
                resizeRow(rows.row(firstRow + index) + firstColumn * 3, into: output + index * outputBytes)
            }
            return
        }
        var opened = 0
        var written = 0
        for sourceRow in Int(vertical.starts[0])..<Int(vertical.ends[outputHeight - 1]) {
            var line = rows.row(sourceRow) + firstColumn * 3
            if !verticalFirst && !horizontal.isIdentity {
                resizeRow(line, into: row)
                line = UnsafePointer(row)
            }
            while opened < outputHeight && Int(vertical.starts[opened]) <= sourceRow {
                (sums + opened % slots * rowBytes).update(repeating: Self.half, count: rowBytes)
                opened += 1
            }
            for index in written..<opened {
                let weight = vertical.weights[index * vertical.stride + sourceRow - Int(vertical.starts[index])]
                add(line, times: weight, to: sums + index % slots * rowBytes)
            }
            while written < opened && Int(vertical.ends[written]) == sourceRow + 1 {
                let sum = sums + written % slots * rowBytes
                let target = output + written * outputBytes
                let finished = verticalFirst ? row : target
                for index in 0..<rowBytes { finished[index] = Self.byte(sum[index]) }
                if verticalFirst { resizeRow(row, into: target) }
                written += 1
            }
        }
    }

    private static let half: Int32 = 1 << (ResampleAxis.fractionBits - 1)

    /// The rounded sum's byte; the filter's negative lobes can leave 0...255.
    @inline(__always)
    private static func byte(_ sum: Int32) -> UInt8 {
        UInt8(truncatingIfNeeded: max(0, min(255, sum >> ResampleAxis.fractionBits)))
    }

    @inline(__always)
    private func add(_ line: UnsafePointer<UInt8>, times weight: Int32, to sum: UnsafeMutablePointer<Int32>) {
        for index in 0..<rowBytes { sum[index] &+= Int32(line[index]) &* weight }
    }

    /// The horizontal pass of one row. `line` points at the row's pixel `firstColumn`.
    private func resizeRow(_ line: UnsafePointer<UInt8>, into target: UnsafeMutablePointer<UInt8>) {
        if horizontal.isIdentity {
            target.update(from: line, count: outputWidth * 3)
            return
        }
        for column in 0..<outputWidth {
            let start = Int(horizontal.starts[column])
            let taps = Int(horizontal.ends[column]) - start
            let weights = horizontal.weights + column * horizontal.stride
            var pixel = line + (start - firstColumn) * 3
            var red = Self.half
            var green = Self.half
            var blue = Self.half
            for tap in 0..<taps {
                let weight = weights[tap]
                red &+= Int32(pixel[0]) &* weight
                green &+= Int32(pixel[1]) &* weight
                blue &+= Int32(pixel[2]) &* weight
                pixel += 3
            }
            target[column * 3] = Self.byte(red)
            target[column * 3 + 1] = Self.byte(green)
            target[column * 3 + 2] = Self.byte(blue)
        }
    }
}
