import RlimitClient

/// Lays out the rows of the live table for the width of a window. The bar gets the width that the other columns leave.
/// If that is too little, columns are removed.
struct LiveLayout {
    private let rows: [LiveRow]
    private let hasManyProcesses: Bool
    private let usesColor: Bool

    private enum Column: CaseIterable {
        case pid, command, resource, used, bar, soft, hard

        var heading: String {
            switch self {
            case .pid: "PID"
            case .command: "COMMAND"
            case .resource: "RESOURCE"
            case .used: "USED"
            case .bar: "OF SOFT|HARD"
            case .soft: "SOFT"
            case .hard: "HARD"
            }
        }

        var isRight: Bool { self == .pid || self == .used || self == .soft || self == .hard }
    }

    // A wider bar shows no more detail, and a narrower one too little.
    private static let maxBarWidth = 40
    private static let minBarWidth = 12

    init(_ rows: [LiveRow], hasManyProcesses: Bool, usesColor: Bool) {
        self.rows = rows
        self.hasManyProcesses = hasManyProcesses
        self.usesColor = usesColor
    }

    /// The line of headings and a line for each row.
    func lines(columns: Int) -> [String] {
        var shown = Column.allCases.filter { hasManyProcesses || ($0 != .pid && $0 != .command) }
        var widths: [Column: Int] = [:]
        for column in shown where column != .bar {
            widths[column] = rows.map { cell($0, column).count }.reduce(column.heading.count, max)
        }
        // In the order of removal: the least important first.
        var removable: [Column] = [.hard, .command, .soft, .bar]
        while let column = removable.first {
            let otherWidth = shown.reduce(0) { $0 + (widths[$1] ?? 0) } + 2 * (shown.count - 1)
            let barWidth = columns - otherWidth
            if shown.contains(.bar), barWidth >= Self.minBarWidth {
                widths[.bar] = min(barWidth, Self.maxBarWidth)
                break
            }
            if !shown.contains(.bar), barWidth >= 0 { break }
            shown.removeAll { $0 == column }
            removable.removeFirst()
        }
        let headings = line(shown.map { ($0, $0.heading) }, widths, columns)
        return [paint(headings, "1")]
            + rows.map { row in
                let cells = shown.map { ($0, $0 == .bar ? row.bar(width: widths[.bar] ?? 0) : cell(row, $0)) }
                let text = line(cells, widths, columns)
                return color(row).map { paint(text, $0) } ?? text
            }
    }

    private func cell(_ row: LiveRow, _ column: Column) -> String {
        switch column {
        case .pid: row.process.pid.map(String.init) ?? "-"
        case .command: row.process.command ?? "-"
        case .resource: row.isAboveThreshold ? row.resource.name + " !" : row.resource.name
        case .used: row.usedText
        case .bar: ""
        case .soft: row.resource.formatted(row.limit.soft)
        case .hard: row.resource.formatted(row.limit.hard)
        }
    }

    private func line(_ cells: [(Column, String)], _ widths: [Column: Int], _ columns: Int) -> String {
        let text = cells.map { column, cell in
            let padding = String(repeating: " ", count: max(0, (widths[column] ?? 0) - cell.count))
            return column.isRight ? padding + cell : cell + padding
        }.joined(separator: "  ")
        let cut = text.prefix(columns)
        return String(cut[..<(cut.lastIndex { $0 != " " }.map(cut.index(after:)) ?? cut.startIndex)])
    }

    private func color(_ row: LiveRow) -> String? {
        if row.isAboveThreshold { return "31" }
        guard let fraction = row.fraction else { return nil }
        return fraction >= 0.9 ? "31" : fraction >= 0.75 ? "33" : nil
    }

    private func paint(_ text: String, _ code: String) -> String {
        usesColor ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
    }
}
