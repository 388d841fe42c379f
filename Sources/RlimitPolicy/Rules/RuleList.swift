import RlimitModel

/// Rules in the order of their names, found by user and by group, so that rules about others cost a request nothing.
package struct RuleList<Rule: NamedRule>: Hashable, Sendable {
    package let rules: [Rule]
    private let index: RuleIndex

    init(_ rules: [Rule]) {
        // The order in which they were written must not matter.
        let rules = rules.sorted { $0.name < $1.name }
        self.rules = rules
        let users = rules.map { $0.caller.keys.users?.listedIDs }
        // Every key must fit: a rule that names users is found by them.
        let groups = rules.map { $0.caller.keys.users == nil ? $0.caller.keys.groups?.listedIDs : nil }
        let unindexed = rules.indices.filter { users[$0] == nil && groups[$0] == nil }
        index = RuleIndex(
            byUser: Self.indices(of: users).mapValues { ($0 + unindexed).sorted() }, byGroup: Self.indices(of: groups),
            unindexed: unindexed)
    }

    private static func indices(of ids: [[UInt32]?]) -> [UInt32: [Int]] {
        var indices: [UInt32: [Int]] = [:]
        for (place, ids) in ids.enumerated() {
            for id in ids ?? [] { indices[id, default: []].append(place) }
        }
        return indices
    }

    /// Those that may be about this caller, by name.
    func candidates(for peer: Peer) -> some Sequence<Rule> {
        let rules = rules
        return indices(for: peer).lazy.map { rules[$0] }
    }

    /// Their places in `rules`.
    func indices(for peer: Peer) -> [Int] { index.indices(for: peer) }

    /// The index follows from the rules.
    package static func == (left: RuleList, right: RuleList) -> Bool { left.rules == right.rules }
    package func hash(into hasher: inout Hasher) { hasher.combine(rules) }
}

/// Where rules about users and groups are. Immutable, and one reference, so that a policy is cheap to pass on.
private final class RuleIndex: Sendable {
    // A user that is here has all its rules here, those about everyone too.
    private let byUser: [UInt32: [Int]]
    // Those that name groups and no users.
    private let byGroup: [UInt32: [Int]]
    private let unindexed: [Int]

    init(byUser: [UInt32: [Int]], byGroup: [UInt32: [Int]], unindexed: [Int]) {
        self.byUser = byUser
        self.byGroup = byGroup
        self.unindexed = unindexed
    }

    func indices(for peer: Peer) -> [Int] {
        let general = byUser[peer.uid] ?? unindexed
        guard !byGroup.isEmpty else { return general }
        var found = byGroup[peer.gid] ?? []
        // Whichever are fewer are looked through.
        if peer.groups.count <= byGroup.count {
            for group in peer.groups where group != peer.gid { found += byGroup[group] ?? [] }
        } else {
            for (group, indices) in byGroup where group != peer.gid && peer.groups.contains(group) { found += indices }
        }
        // A rule that names several groups may have been found by each.
        return found.isEmpty ? general : Set(general + found).sorted()
    }
}

/// What allows and denies have in common.
package protocol NamedRule: Hashable, Sendable {
    var name: String { get }
    var caller: CallerPattern { get }
}

extension AllowRule: NamedRule {}
extension DenyRule: NamedRule {}

extension IDSet {
    /// The ids one by one, or nil where there are too many to list.
    fileprivate var listedIDs: [UInt32]? {
        let count = ranges.reduce(0) { $0 + $1.count }
        return count <= 64 ? ranges.flatMap { Array($0) } : nil
    }
}
