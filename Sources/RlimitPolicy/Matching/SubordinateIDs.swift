import RlimitModel

/// The ids that /etc/subuid and /etc/subgid give to users, who can take them in user namespaces (subuid(5)).
///
/// A process with a subordinate id is its owner's. It may match a rule about the owner, but never certainly: such a rule
/// grants it nothing and restricts it.
package struct SubordinateIDs: Hashable, Sendable {
    private let users: Table
    private let groups: Table
    // Users with a range of their own. Their own ids are not subordinate ones.
    private let accounts: IDSet

    /// One line of the files.
    package struct Range: Hashable, Sendable {
        package var ids: ClosedRange<UInt32>
        /// The user, or for /etc/subgid the group; nil if there is no such account.
        package var owner: UInt32?

        package init(_ ids: ClosedRange<UInt32>, owner: UInt32?) {
            self.ids = ids
            self.owner = owner
        }
    }

    package init(users: [Range] = [], groups: [Range] = []) {
        self.users = Table(users)
        self.groups = Table(groups)
        accounts = IDSet(users.compactMap(\.owner).map { $0...$0 })
    }

    package static let none = SubordinateIDs()

    /// The user that the id belongs to: the user itself, or the owner of the range; nil if it is not known, or if
    /// several users have the id.
    package func owner(of uid: UInt32) -> UInt32? {
        if accounts.contains(uid) { return uid }
        var found: UInt32?
        var isUnique = true
        _ = users.contains(uid) { owner in
            isUnique = isUnique && owner != nil && (found == nil || found == owner)
            found = owner
            return !isUnique
        }
        return isUnique ? found : nil
    }

    /// Whether one of the caller's ids is in one of the ranges.
    func include(_ peer: Peer) -> Bool {
        if users.contains(peer.uid) { return true }
        guard !groups.isEmpty else { return false }
        return groups.contains(peer.gid) || peer.groups.contains { groups.contains($0) }
    }

    /// Whether a caller is one of these users.
    func match(_ list: IDSet, _ peer: Peer) -> Match {
        if list.isEmpty { return .no }
        if list.contains(peer.uid) { return .yes }
        if mayOwn(peer.uid, list) { return .perhaps }
        guard peer.isInChildUserNamespace else { return .no }
        // An id without a known owner may be a subordinate one of any user.
        return accounts.contains(peer.uid) || users.contains(peer.uid) ? .no : .perhaps
    }

    /// Whether a caller is in one of these groups.
    func match(groups list: IDSet, _ peer: Peer) -> Match {
        if list.isEmpty { return .no }
        if list.contains(peer.gid) || peer.groups.contains(where: list.contains) { return .yes }
        if peer.mayLackGroups { return .perhaps }
        guard !groups.isEmpty else { return .no }
        let isOwned = { (gid: UInt32) in groups.contains(gid) { owner in owner.map(list.contains) ?? true } }
        return isOwned(peer.gid) || peer.groups.contains(where: isOwned) ? .perhaps : .no
    }

    /// Whether a process belongs to these users: `yes` if all three of its user ids do, `perhaps` if one or two do, or
    /// if one is a subordinate id of such a user.
    func match(_ list: IDSet, usersOf credentials: Credentials) -> Match {
        let match = list.match(usersOf: credentials)
        guard match == .no, !list.isEmpty else { return match }
        return mayOwn(credentials.realUID, list) || mayOwn(credentials.effectiveUID, list)
            || mayOwn(credentials.savedUID, list) ? .perhaps : .no
    }

    // Whether the id is in a range of one of the users, or in one with an unknown owner.
    private func mayOwn(_ uid: UInt32, _ list: IDSet) -> Bool {
        users.contains(uid) { owner in owner.map(list.contains) ?? true }
    }
}

/// Ranges that may overlap, sorted for binary search.
private struct Table: Hashable, Sendable {
    private let ranges: [SubordinateIDs.Range]
    // The highest upper bound of the ranges up to each place. A search backwards ends where it is too low.
    private let maxUpperBounds: [UInt32]

    init(_ ranges: [SubordinateIDs.Range]) {
        // The order in the file has no meaning.
        self.ranges = Set(ranges).sorted {
            ($0.ids.lowerBound, $0.ids.upperBound, $0.owner ?? .max)
                < ($1.ids.lowerBound, $1.ids.upperBound, $1.owner ?? .max)
        }
        var highest: UInt32 = 0
        maxUpperBounds = self.ranges.map { range in
            highest = max(highest, range.ids.upperBound)
            return highest
        }
    }

    var isEmpty: Bool { ranges.isEmpty }

    /// Whether a range contains the id and has an owner that `isWanted`.
    func contains(_ id: UInt32, _ isWanted: (UInt32?) -> Bool = { _ in true }) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].ids.lowerBound <= id { low = middle + 1 } else { high = middle }
        }
        while low > 0, maxUpperBounds[low - 1] >= id {
            low -= 1
            if ranges[low].ids.contains(id), isWanted(ranges[low].owner) { return true }
        }
        return false
    }
}
