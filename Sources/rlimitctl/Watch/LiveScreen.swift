import RlimitKernel

/// The alternate screen of the terminal, on which the table is redrawn in place. Closing it restores the earlier
/// contents.
struct LiveScreen {
    private(set) var isOpen = false

    /// Columns and rows; 80 and 24 if the terminal does not report them.
    var size: (columns: Int, rows: Int) {
        let size = Terminal.size(of: .output) ?? (0, 0)
        return (size.columns > 0 ? size.columns : 80, size.rows > 0 ? size.rows : 24)
    }

    mutating func open() throws {
        guard !isOpen else { return }
        try Output.print("\u{1b}[?1049h\u{1b}[?25l")
        isOpen = true
    }

    /// Restores the terminal. Ignores errors of a terminal that is gone.
    mutating func close() {
        guard isOpen else { return }
        isOpen = false
        try? Output.print("\u{1b}[?25h\u{1b}[?1049l")
    }

    /// Overwrites the lines without clearing the screen first, which would flicker.
    func draw(_ lines: [String]) throws {
        try Output.print("\u{1b}[H" + lines.joined(separator: "\u{1b}[K\r\n") + "\u{1b}[K\u{1b}[J")
    }
}
