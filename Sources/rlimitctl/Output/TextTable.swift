/// Rows of text in columns, each as wide as its widest cell.
struct TextTable {
    /// The side on which a column's cells are aligned.
    enum Alignment { case left, right }

    private let alignments: [Alignment]
    private var rows: [[String]]

    /// Creates a table with a row of headings.
    init(_ columns: [(heading: String, alignment: Alignment)]) {
        alignments = columns.map(\.alignment)
        rows = [columns.map(\.heading)]
    }

    /// Creates a table without headings.
    init(alignments: [Alignment]) {
        self.alignments = alignments
        rows = []
    }

    mutating func append(_ cells: [String]) { rows.append(cells) }

    /// One line for each row, ended by a newline, without trailing spaces.
    var text: String {
        var widths = [Int](repeating: 0, count: alignments.count)
        for row in rows {
            for (column, cell) in row.enumerated() where column < widths.count {
                widths[column] = max(widths[column], cell.count)
            }
        }
        return rows.map { line($0, widths) + "\n" }.joined()
    }

    private func line(_ row: [String], _ widths: [Int]) -> String {
        let cells = zip(row, zip(widths, alignments)).map { cell, shape in
            let padding = String(repeating: " ", count: max(0, shape.0 - cell.count))
            return shape.1 == .left ? cell + padding : padding + cell
        }
        let line = cells.joined(separator: "  ")
        return String(line[..<(line.lastIndex { $0 != " " }.map(line.index(after:)) ?? line.startIndex)])
    }
}
