/// How much is taken of a limit, drawn: up to the soft limit, then a mark, then what is left between soft and hard.
///
///     [########------------|....]     a third of the soft limit, and more to be had
///     [####################|####]     above the soft limit: it was lowered, or the kernel does not enforce it
///     [####----------------|    ]     the hard limit is no higher
struct UsageBar {
    let used: UInt64
    let soft: UInt64
    /// nil for none.
    let hard: UInt64?

    /// In so many characters, of which four are its frame.
    func text(width: Int) -> String {
        let room = max(2, width - 3)
        let beyond = max(1, room / 5), within = max(1, room - beyond)
        let filled = soft == 0 ? within : min(within, Int((Double(used) / Double(soft) * Double(within)).rounded()))
        let hasMore = hard.map { $0 > soft } ?? true
        var above = 0
        if used > soft, hasMore {
            let span = hard.map { Double($0 - soft) } ?? .infinity
            above = min(beyond, max(1, Int((Double(used - soft) / span * Double(beyond)).rounded())))
        }
        let tail = String(repeating: hasMore ? "." : " ", count: beyond - above)
        return "[" + String(repeating: "#", count: filled) + String(repeating: "-", count: within - filled) + "|"
            + String(repeating: "#", count: above) + tail + "]"
    }
}
