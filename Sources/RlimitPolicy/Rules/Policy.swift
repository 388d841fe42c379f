package import RlimitModel

/// The administrator's policy: which callers may do what to which processes. A pure value that never asks the kernel.
///
/// `authorize` decides on a request; `explain` reports the decision without effect.
package struct Policy: Hashable, Sendable {
    private var contents: Contents

    // Immutable and one reference, because every request passes the policy on.
    private final class Contents: Sendable {
        let parts: Parts
        init(_ parts: Parts) { self.parts = parts }
    }

    private struct Parts: Hashable, Sendable {
        var allowList: RuleList<AllowRule>
        var denyList: RuleList<DenyRule>
        var protection: Protection
        var quota: Quota
        var audit: AuditSettings
        var podRoots: [String]
        var subordinates: SubordinateIDs
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
    package var audit: AuditSettings { contents.parts.audit }
    /// The cgroups below which pods are found.
    package var podRoots: [String] { contents.parts.podRoots }
    /// The ranges of ids that users can take in user namespaces.
    package var subordinates: SubordinateIDs { contents.parts.subordinates }
    /// `fs.nr_open`: the kernel accepts no higher hard limit of open files, and no infinite one.
    package var openFilesCeiling: Limit.Bound {
        get { contents.parts.openFilesCeiling }
        set { change { $0.openFilesCeiling = newValue } }
    }

    package static let standardPodRoots = ["/kubepods.slice", "/kubepods"]
    /// The kernel's default of `fs.nr_open`.
    package static let standardOpenFilesCeiling: Limit.Bound = 1_048_576

    package init(
        allows: [AllowRule] = [], denies: [DenyRule] = [], protection: Protection = Protection(),
        quota: Quota = Quota(),
        audit: AuditSettings = AuditSettings(), podRoots: [String] = standardPodRoots,
        subordinates: SubordinateIDs = .none,
        openFilesCeiling: Limit.Bound = standardOpenFilesCeiling
    ) {
        contents = Contents(
            Parts(
                allowList: RuleList(allows), denyList: RuleList(denies), protection: protection, quota: quota,
                audit: audit,
                // The order in the files has no meaning.
                podRoots: Set(podRoots).sorted(), subordinates: subordinates, openFilesCeiling: openFilesCeiling))
    }

    private mutating func change(_ body: (inout Parts) -> Void) {
        var parts = contents.parts
        body(&parts)
        contents = Contents(parts)
    }

    package static func == (left: Policy, right: Policy) -> Bool { left.contents.parts == right.contents.parts }
    package func hash(into hasher: inout Hasher) { hasher.combine(contents.parts) }

    /// A policy without rules: it permits what prlimit(2) permits without the agent.
    package static let baselineOnly = Policy()

    /// Sorted by name.
    package var allows: [AllowRule] { allowList.rules }
    /// Sorted by name.
    package var denies: [DenyRule] { denyList.rules }

    /// "baseline only", "1 rule", "12 rules".
    package var summary: String {
        let count = allows.count + denies.count
        return count == 0 ? "baseline only" : count == 1 ? "1 rule" : "\(count) rules"
    }

    /// The error for a caller with different real, effective and saved ids, or with unknown ones: the kernel would check
    /// other ids than SO_PEERCRED reported.
    package static func mixedIDs(_ peer: Peer) -> RlimitError { DenialMessages.mixedIDs(peer) }

    /// The error for a request about process 1.
    package static var firstProcess: RlimitError { DenialMessages.firstProcess }

    /// The error for a caller that sends a pidfd although `mayTargetOthers` is false for it.
    package static func otherTargetsDenied(_ peer: Peer, _ operation: Request.Operation) -> RlimitError {
        DenialMessages.noRuleForOthers(peer, operation)
    }

    /// The indices in `denyList` of the rules that may apply to a caller: all of them if it may have more ids than the
    /// kernel reported, because the index is by id.
    func denyIndices(for peer: Peer) -> [Int] {
        peer.mayLackGroups || subordinates.include(peer) ? Array(denies.indices) : denyList.indices(for: peer)
    }

    /// The deny rules that may apply to a caller, sorted by name.
    func denyCandidates(for peer: Peer) -> some Sequence<DenyRule> {
        let rules = denies
        return denyIndices(for: peer).lazy.map { rules[$0] }
    }

    /// The maximum hard limit that the kernel accepts for a resource.
    func ceiling(of resource: Resource) -> Limit.Bound {
        resource == .openFiles ? openFilesCeiling : .infinity
    }
}
