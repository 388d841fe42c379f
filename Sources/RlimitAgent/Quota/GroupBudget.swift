/// The entries of the long group lists of all tenants together. A caller with many users of a container has many
/// tenants, so a limit for each tenant is not enough.
struct GroupBudget {
    private(set) var entries = 0

    /// Sixteen mebibytes.
    static let maxEntries = 4 << 20

    /// - Returns: False if there is no room for this number of entries.
    mutating func reserve(_ count: Int) -> Bool {
        guard entries + count <= Self.maxEntries else { return false }
        entries += count
        return true
    }

    mutating func release(_ count: Int) { entries -= count }
}
