// TextColumns: rows of cells in columns, for people: numbers stand right, words left. Left out: characters that are not one column wide.

public struct TextColumns {
    private let isNumber: [Bool]
    private var cells: [TextBytes] = []

    /// - Parameter isNumber: one a column.
    public init(isNumber: [Bool]) { self.isNumber = isNumber }

    /// The next cell, from left to right and from row to row.
    @inline(never)
    public mutating func append(_ fill: (inout TextBytes) -> Void) {
        var cell = TextBytes()
        fill(&cell)
        cells.append(cell)
    }

    @inline(never)
    public mutating func append(_ word: StaticString) { append { $0.append(word) } }

    /// Whole rows, a line each.
    public func write(to text: inout TextBytes) {
        let columns = isNumber.count
        var widths = [Int](repeating: 0, count: columns)
        for index in cells.indices { widths[index % columns] = max(widths[index % columns], Self.width(cells[index])) }
        for row in stride(from: 0, to: cells.count - columns + 1, by: columns) {
            var line = TextBytes()
            var blanks = 0  // owed, so that no line ends in one
            for column in 0..<columns {
                let cell = cells[row + column]
                let space = widths[column] - Self.width(cell)
                if isNumber[column] { blanks += space }
                if !cell.bytes.isEmpty {
                    for _ in 0..<blanks { line.append(" ") }
                    line.append(cell)
                    blanks = 0
                }
                blanks += isNumber[column] ? 2 : space + 2
            }
            text.append(line)
            text.newline()
        }
    }

    /// Characters: the bytes that go on with one do not count.
    private static func width(_ cell: TextBytes) -> Int {
        var width = 0
        for byte in cell.bytes where byte & 0xC0 != 0x80 { width += 1 }
        return width
    }
}
