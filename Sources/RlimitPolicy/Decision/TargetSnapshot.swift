package import RlimitModel

/// The target of a request, as read from the kernel just before the decision.
package struct TargetSnapshot: Sendable {
    package var identity: ProcessCredentials
    /// The target is the process that connected.
    package var isPeer: Bool
    /// The target is the agent.
    package var isAgent: Bool
    /// The target was found by a scan of a cgroup. A caller in a container may be unable to see it; prlimit(2) would
    /// then refuse that caller, whatever the ids.
    package var isFromCgroupScan: Bool
    /// Valid only for the resources of the request.
    package var now: Limits
    /// The limits as they would be without leases; nil if no limit is leased.
    package var withoutLeases: Limits?
    /// The target does not exist: `now` is the assumed starting point and must not be reported.
    package var isHypothetical: Bool

    package init(
        identity: ProcessCredentials, isPeer: Bool, isAgent: Bool = false, isFromCgroupScan: Bool = false, now: Limits,
        isHypothetical: Bool = false
    ) {
        self.identity = identity
        self.isPeer = isPeer
        self.isAgent = isAgent
        self.isFromCgroupScan = isFromCgroupScan
        self.now = now
        self.isHypothetical = isHypothetical
    }

    /// Whether the baseline applies: the caller's ids are the target's and it can name the target, so prlimit(2) would
    /// allow the same without the agent.
    func isBaseline(for peer: Peer) -> Bool {
        identity.credentials.are(uid: peer.uid, gid: peer.gid) && (isPeer || !isFromCgroupScan || peer.sharesNamespace)
    }
}
