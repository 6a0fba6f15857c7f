// TextTable: rows of cells in columns, for people. Numbers stand right, words left.

struct TextTable {
    private var rows: [[String]]
    private let isNumber: [Bool]

    init(_ columns: [(title: String, isNumber: Bool)]) {
        rows = [columns.map(\.title)]
        isNumber = columns.map(\.isNumber)
    }

    mutating func append(_ cells: [String]) { rows.append(cells) }

    var lines: [String] {
        let widths = isNumber.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { cells in
            let line = cells.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - cells[column].count)
                return isNumber[column] ? space + cells[column] : cells[column] + space
            }.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}
