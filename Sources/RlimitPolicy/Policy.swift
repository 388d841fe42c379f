package import RlimitModel

/// Who may ask for what, as the administrator wrote it. Pure values: nothing here asks the kernel.
///
/// `authorize` is the one decision, `explain` tells what it would be.
package struct Policy: Hashable, Sendable {
    package let allowList: RuleList<AllowRule>
    package let denyList: RuleList<DenyRule>
    package var protection: Protection
    package var quota: Quota
    /// Below these, and nowhere else, are cgroups of pods.
    package let podRoots: [String]
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
        allowList = RuleList(allows)
        denyList = RuleList(denies)
        self.protection = protection
        self.quota = quota
        // The order in which they were written must not matter.
        self.podRoots = Set(podRoots).sorted()
        self.openFilesCeiling = openFilesCeiling
    }

    /// No rules: what prlimit(2) gives anyone anyway.
    package static let baselineOnly = Policy()

    /// By name.
    package var allows: [AllowRule] { allowList.rules }
    /// By name.
    package var denies: [DenyRule] { denyList.rules }

    /// "baseline only", "1 rule", "12 rules".
    package var summary: String {
        let count = allows.count + denies.count
        return count == 0 ? "baseline only" : count == 1 ? "1 rule" : "\(count) rules"
    }

    /// What a caller gets whose real, effective and saved ids differ: the kernel judges by other ids than it showed us.
    package static var mixedIDs: RlimitError { Refusals.mixedIDs }

    /// What a caller gets that speaks of process 1.
    package static var firstProcess: RlimitError { Refusals.firstProcess }

    /// What a caller gets of whom `letsSpeakOfOthers` is not true, when it sends a pidfd.
    package static func mayNotSpeakOfOthers(_ peer: Peer, _ operation: Request.Operation) -> RlimitError {
        Refusals.noRuleAboutOthers(peer, operation)
    }

    /// Whether some rule lets this caller speak of processes other than itself.
    package func letsSpeakOfOthers(_ peer: Peer) -> Bool {
        !peer.hasMixedIDs
            && allowList.candidates(for: peer).contains {
                $0.target.relation != .itself && !$0.operations.isDisjoint(with: .onProcesses) && $0.covers(peer)
            }
    }
}
