/// The group lists of one tenant's peers. A process may be in 65536 groups, and a tenant may have many connections, so
/// equal lists share their memory and the entries of long lists are limited.
struct SharedGroupLists {
    private var lists: [[UInt32]: Int] = [:]
    private var countedEntries = 0

    /// The length up to which lists are neither shared nor counted: common lists are not longer.
    static let maxUncountedGroups = 64
    /// The maximum number of entries in different long lists of one tenant: one list of the maximum length.
    static let maxEntries = 65536

    /// The same list, in memory that it shares with equal ones; nil if the tenant has no room for one more.
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

    /// Releases the list of a connection that has ended.
    mutating func release(_ groups: [UInt32], to budget: inout GroupBudget) {
        guard groups.count > Self.maxUncountedGroups, let index = lists.index(forKey: groups) else { return }
        lists.values[index] -= 1
        guard lists.values[index] == 0 else { return }
        lists.remove(at: index)
        countedEntries -= groups.count
        budget.release(groups.count)
    }
}
