package import RlimitModel

/// Who may ask for what, as the administrator wrote it. Pure values: nothing here asks the kernel.
///
/// `authorize` is the one decision, `explain` tells what it would be.
package struct Policy: Hashable, Sendable {
    package private(set) var allows: [AllowRule]
    package private(set) var denies: [DenyRule]
    package var protection: Protection
    package var quota: Quota
    /// Below these, and nowhere else, are cgroups of pods.
    package var podRoots: [String]
    /// `fs.nr_open`: the kernel takes no greater hard limit of open files, and no infinite one.
    package var openFilesCeiling: Limit.Bound

    package static let standardPodRoots = ["/kubepods.slice", "/kubepods"]
    /// What `fs.nr_open` is where nobody set it.
    package static let standardOpenFilesCeiling: Limit.Bound = 1_048_576

    package init(
        allows: [AllowRule] = [], denies: [DenyRule] = [], protection: Protection = Protection(),
        quota: Quota = Quota(),
        podRoots: [String] = standardPodRoots, openFilesCeiling: Limit.Bound = standardOpenFilesCeiling
    ) {
        // Sorted by name, so that the order in which rules were written cannot matter.
        self.allows = allows.sorted { $0.name < $1.name }
        self.denies = denies.sorted { $0.name < $1.name }
        self.protection = protection
        self.quota = quota
        self.podRoots = podRoots
        self.openFilesCeiling = openFilesCeiling
    }

    /// No rules: what prlimit(2) gives anyone anyway.
    package static let baselineOnly = Policy()

    /// "baseline only", "1 rule", "12 rules".
    package var summary: String {
        let count = allows.count + denies.count
        return count == 0 ? "baseline only" : count == 1 ? "1 rule" : "\(count) rules"
    }

    /// What a caller gets whose real, effective and saved ids differ: the kernel judges by other ids than it showed us.
    package static var mixedIDs: RlimitError { Refusals.mixedIDs }

    /// Whether some rule lets this caller speak of processes other than itself.
    package func letsSpeakOfOthers(_ peer: Peer) -> Bool {
        !peer.hasMixedIDs
            && allows.contains {
                $0.target.relation != .itself && !$0.operations.isDisjoint(with: .onProcesses) && $0.covers(peer)
            }
    }
}
