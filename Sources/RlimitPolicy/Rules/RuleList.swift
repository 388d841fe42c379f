import RlimitModel

/// Rules sorted by name and indexed by user and group, so that rules about other callers cost a request no time.
package struct RuleList<Rule: NamedRule>: Hashable, Sendable {
    package let rules: [Rule]
    private let index: RuleIndex

    init(_ rules: [Rule]) {
        // The order in the files has no meaning.
        let rules = rules.sorted { $0.name < $1.name }
        self.rules = rules
        let users = rules.map { $0.caller.keys.users?.listedIDs }
        // All keys of a rule must match, so a rule that names users needs no entry by group.
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

    /// The rules that may apply to this caller, sorted by name.
    func candidates(for peer: Peer) -> some Sequence<Rule> {
        let rules = rules
        return indices(for: peer).lazy.map { rules[$0] }
    }

    /// The indices of the candidates in `rules`.
    func indices(for peer: Peer) -> [Int] { index.indices(for: peer) }

    /// Compares only the rules: the index follows from them.
    package static func == (left: RuleList, right: RuleList) -> Bool { left.rules == right.rules }
    package func hash(into hasher: inout Hasher) { hasher.combine(rules) }
}

/// The indices of rules by user and by group. Immutable and one reference, so that a policy is cheap to pass on.
private final class RuleIndex: Sendable {
    // The entry of a user also contains the rules that name no users.
    private let byUser: [UInt32: [Int]]
    // Rules that name groups and no users.
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
        // Iterates over the smaller of the two sets.
        if peer.groups.count <= byGroup.count {
            for group in peer.groups where group != peer.gid { found += byGroup[group] ?? [] }
        } else {
            for (group, indices) in byGroup where group != peer.gid && peer.groups.contains(group) { found += indices }
        }
        // A rule that names several groups may have been found more than once.
        return found.isEmpty ? general : Set(general + found).sorted()
    }
}

/// The common part of allow and deny rules.
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
