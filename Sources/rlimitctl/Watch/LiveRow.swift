import RlimitClient

/// A row of the live table: one resource of one process.
struct LiveRow {
    let process: ProcessLabel
    let resource: Resource
    let limit: Limit
    let used: UInt64?
    /// Whether the usage is above a threshold.
    let isAboveThreshold: Bool

    /// The used fraction of the soft limit; nil if the limit is unlimited or 0, or the usage is unknown.
    var fraction: Double? {
        guard let used, let soft = limit.soft.value, soft > 0 else { return nil }
        return Double(used) / Double(soft)
    }

    /// Sorts the least headroom first. Rows without a fraction come last, in the kernel's order of resources.
    func precedes(_ other: LiveRow) -> Bool {
        switch (fraction, other.fraction) {
        case (let own?, let other?) where own != other: return own > other
        case (_?, nil): return true
        case (nil, _?): return false
        default: return (process.pid ?? 0, resource.order) < (other.process.pid ?? 0, other.resource.order)
        }
    }

    /// The usage with one decimal, so that the column keeps its width between samples: "8.02 MiB", "912".
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
