package import RlimitModel

/// The process that a request speaks of, as the kernel showed it just now.
package struct TargetSnapshot: Sendable {
    package var identity: ProcessCredentials
    /// It is the process that connected.
    package var isPeer: Bool
    /// It is the agent.
    package var isAgent: Bool
    /// It was found in a cgroup, and a caller in a container need not be able to see it: then prlimit(2) would not let that
    /// caller do anything to it, whatever its ids.
    package var isFromCgroupScan: Bool
    /// Valid for the resources that were asked about.
    package var now: Limits
    /// The same without what leases lend; nil where nothing is lent.
    package var withoutLeases: Limits?
    /// There is no such process: `now` is where the question begins, and nothing to be told.
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

    /// What prlimit(2) would let the caller itself do needs no rule: its ids are the target's, and it can name the target.
    func isBaseline(for peer: Peer) -> Bool {
        identity.credentials.are(uid: peer.uid, gid: peer.gid) && (isPeer || !isFromCgroupScan || peer.sharesNamespace)
    }
}
