import RlimitKernel

/// The other screen of a terminal, on which a table is drawn in place, and which leaves what was there before as it was.
struct LiveScreen {
    private(set) var isOpen = false

    /// Columns and rows; what a terminal does not know of itself is 80 and 24.
    var size: (columns: Int, rows: Int) {
        let size = Terminal.size(of: .output) ?? (0, 0)
        return (size.columns > 0 ? size.columns : 80, size.rows > 0 ? size.rows : 24)
    }

    mutating func open() throws {
        guard !isOpen else { return }
        try Output.print("\u{1b}[?1049h\u{1b}[?25l")
        isOpen = true
    }

    /// As it was before. A terminal that is gone needs nothing.
    mutating func close() {
        guard isOpen else { return }
        isOpen = false
        try? Output.print("\u{1b}[?25h\u{1b}[?1049l")
    }

    /// Writes over what there is, so that nothing flickers.
    func draw(_ lines: [String]) throws {
        try Output.print("\u{1b}[H" + lines.joined(separator: "\u{1b}[K\r\n") + "\u{1b}[K\u{1b}[J")
    }
}
