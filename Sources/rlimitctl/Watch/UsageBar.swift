/// A bar of the usage: up to the soft limit, then a mark, then the range between the soft and the hard limit.
///
///     [########------------|....]     a third of the soft limit; the hard limit is higher
///     [####################|####]     above the soft limit, which was lowered or is not enforced
///     [####----------------|    ]     the hard limit equals the soft limit
struct UsageBar {
    let used: UInt64
    let soft: UInt64
    /// Nil for unlimited.
    let hard: UInt64?

    /// The bar in `width` characters, of which three are the frame and the mark.
    func text(width: Int) -> String {
        let length = max(2, width - 3)
        let beyond = max(1, length / 5), within = max(1, length - beyond)
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
