import RlimitClient

/// A resource of a process, as the live table shows it.
struct LiveRow {
    let watched: WatchUpdate.WatchedProcess
    let resource: Resource
    let limit: Limit
    let used: UInt64?
    /// A threshold is crossed.
    let isAlarming: Bool

    /// How much of the soft limit is taken, as a part of it; nil where there is none, or that is not known.
    var fraction: Double? {
        guard let used, let soft = limit.soft.value, soft > 0 else { return nil }
        return Double(used) / Double(soft)
    }

    /// The least headroom first; those without a limit or a use as the kernel has them, at the end.
    func precedes(_ other: LiveRow) -> Bool {
        switch (fraction, other.fraction) {
        case (let fraction?, let others?) where fraction != others: return fraction > others
        case (_?, nil): return true
        case (nil, _?): return false
        default: return (watched.pid, resource.order) < (other.watched.pid, other.resource.order)
        }
    }

    /// Short, so that a column does not change its width with every look: "8.02 MiB", "912".
    var usedText: String {
        guard let used else { return "-" }
        guard resource.unit == .bytes else { return resource.formatted(Limit.Bound(used)) }
        let scale: [(String, UInt64)] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        guard let (name, size) = scale.first(where: { used >= $0.1 }) else { return "\(used) B" }
        let tenths = used / (size / 1024) * 10 / 1024
        return "\(tenths / 10).\(tenths % 10) \(name)"
    }

    func bar(width: Int) -> String {
        guard fraction != nil, let used, let soft = limit.soft.value else { return "" }
        return UsageBar(used: used, soft: soft, hard: limit.hard.value).text(width: width)
    }
}

extension Resource {
    fileprivate var order: Int { Resource.allCases.firstIndex(of: self) ?? 0 }
}
