/// Rows of text with their columns in line, as wide as their widest cell.
struct TextTable {
    /// On which side a column's cells end.
    enum Alignment { case left, right }

    private let alignments: [Alignment]
    private var rows: [[String]]

    /// A table that begins with a row of headings.
    init(_ columns: [(heading: String, alignment: Alignment)]) {
        alignments = columns.map(\.alignment)
        rows = [columns.map(\.heading)]
    }

    /// A table without headings.
    init(alignments: [Alignment]) {
        self.alignments = alignments
        rows = []
    }

    mutating func append(_ cells: [String]) { rows.append(cells) }

    /// Each row on a line, each line ended; no spaces at the ends of lines.
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
