package import RlimitModel

/// Who may ask for what, as the administrator wrote it. Pure values: nothing here asks the kernel.
///
/// `authorize` is the one decision, `explain` tells what it would be.
package struct Policy: Hashable, Sendable {
    private var contents: Contents

    // Immutable, and one reference: a policy is passed on with every request.
    private final class Contents: Sendable {
        let parts: Parts
        init(_ parts: Parts) { self.parts = parts }
    }

    private struct Parts: Hashable, Sendable {
        var allowList: RuleList<AllowRule>
        var denyList: RuleList<DenyRule>
        var protection: Protection
        var quota: Quota
        var podRoots: [String]
        var openFilesCeiling: Limit.Bound
    }

    package var allowList: RuleList<AllowRule> { contents.parts.allowList }
    package var denyList: RuleList<DenyRule> { contents.parts.denyList }
    package var protection: Protection {
        get { contents.parts.protection }
        set { change { $0.protection = newValue } }
    }
    package var quota: Quota {
        get { contents.parts.quota }
        set { change { $0.quota = newValue } }
    }
    /// Below these, and nowhere else, are cgroups of pods.
    package var podRoots: [String] { contents.parts.podRoots }
    /// `fs.nr_open`: the kernel takes no greater hard limit of open files, and no infinite one.
    package var openFilesCeiling: Limit.Bound {
        get { contents.parts.openFilesCeiling }
        set { change { $0.openFilesCeiling = newValue } }
    }

    package static let standardPodRoots = ["/kubepods.slice", "/kubepods"]
    /// What `fs.nr_open` is where nobody set it.
    package static let standardOpenFilesCeiling: Limit.Bound = 1_048_576

    package init(
        allows: [AllowRule] = [], denies: [DenyRule] = [], protection: Protection = Protection(),
        quota: Quota = Quota(),
        podRoots: [String] = standardPodRoots, openFilesCeiling: Limit.Bound = standardOpenFilesCeiling
    ) {
        contents = Contents(
            Parts(
                allowList: RuleList(allows), denyList: RuleList(denies), protection: protection, quota: quota,
                // The order in which they were written must not matter.
                podRoots: Set(podRoots).sorted(), openFilesCeiling: openFilesCeiling))
    }

    private mutating func change(_ body: (inout Parts) -> Void) {
        var parts = contents.parts
        body(&parts)
        contents = Contents(parts)
    }

    package static func == (left: Policy, right: Policy) -> Bool { left.contents.parts == right.contents.parts }
    package func hash(into hasher: inout Hasher) { hasher.combine(contents.parts) }

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
    package static var mixedIDs: RlimitError { DenialMessages.mixedIDs }

    /// What a caller gets that speaks of process 1.
    package static var firstProcess: RlimitError { DenialMessages.firstProcess }

    /// What a caller gets of whom `mayTargetOthers` is not true, when it sends a pidfd.
    package static func otherTargetsDenied(_ peer: Peer, _ operation: Request.Operation) -> RlimitError {
        DenialMessages.noRuleForOthers(peer, operation)
    }

    /// Whether some rule lets this caller speak of processes other than itself.
    package func mayTargetOthers(_ peer: Peer) -> Bool {
        !peer.hasMixedIDs
            && allowList.candidates(for: peer).contains {
                $0.target.relation != .itself && !$0.operations.isDisjoint(with: .onProcesses) && $0.covers(peer)
            }
    }
}
