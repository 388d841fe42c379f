/// The groups of one tenant's connections. A process may be in 65536 of them, and a tenant have many connections: each list
/// is kept once, and long ones that differ are bounded together.
struct SharedGroupLists {
    private var lists: [[UInt32]: Int] = [:]
    private var countedEntries = 0

    /// Lists up to this are what people have, and not counted.
    static let maxUncountedGroups = 64
    /// The entries of all other lists of one tenant that differ: one of the longest that there can be.
    static let maxEntries = 65536

    /// The same list, in memory that equal ones share; nil where the tenant has no room for one more.
    mutating func intern(_ groups: [UInt32], within budget: inout GroupBudget) -> [UInt32]? {
        guard groups.count > Self.maxUncountedGroups else { return groups }
        if let index = lists.index(forKey: groups) {
            lists.values[index] += 1
            return lists.keys[index]
        }
        guard countedEntries + groups.count <= Self.maxEntries, budget.reserve(groups.count) else { return nil }
        countedEntries += groups.count
        lists[groups] = 1
        return groups
    }

    /// A connection that came with this list has ended.
    mutating func release(_ groups: [UInt32], to budget: inout GroupBudget) {
        guard groups.count > Self.maxUncountedGroups, let index = lists.index(forKey: groups) else { return }
        lists.values[index] -= 1
        guard lists.values[index] == 0 else { return }
        lists.remove(at: index)
        countedEntries -= groups.count
        budget.release(groups.count)
    }
}

/// Long lists of groups of all tenants together: whoever has many users of a container's at its disposal has many tenants.
struct GroupBudget {
    private(set) var entries = 0

    /// Sixteen mebibytes.
    static let maxEntries = 4 << 20

    /// False: there is no room for these.
    mutating func reserve(_ count: Int) -> Bool {
        guard entries + count <= Self.maxEntries else { return false }
        entries += count
        return true
    }

    mutating func release(_ count: Int) { entries -= count }
}
