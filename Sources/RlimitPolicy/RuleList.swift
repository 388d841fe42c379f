import RlimitModel

/// Rules in the order of their names, found by user, so that rules about other users cost a request nothing.
package struct RuleList<Rule: NamedRule>: Hashable, Sendable {
    package let rules: [Rule]
    // By place in `rules`. A user that is here has all its rules here, those about everyone too.
    private let byUser: [UInt32: [Int]]
    private let aboutOthers: [Int]

    init(_ rules: [Rule]) {
        // The order in which they were written must not matter.
        let rules = rules.sorted { $0.name < $1.name }
        self.rules = rules
        let users = rules.map { $0.caller.keys.users?.few }
        let aboutOthers = rules.indices.filter { users[$0] == nil }
        var byUser: [UInt32: [Int]] = [:]
        for (place, users) in users.enumerated() {
            for user in users ?? [] { byUser[user, default: []].append(place) }
        }
        self.byUser = byUser.mapValues { ($0 + aboutOthers).sorted() }
        self.aboutOthers = aboutOthers
    }

    /// Those that may be about this caller, by name.
    func candidates(for peer: Peer) -> some Sequence<Rule> {
        let rules = rules
        return (byUser[peer.uid] ?? aboutOthers).lazy.map { rules[$0] }
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
    fileprivate var few: [UInt32]? {
        let count = ranges.reduce(0) { $0 + $1.count }
        return count <= 64 ? ranges.flatMap { Array($0) } : nil
    }
}
