package import RlimitModel

/// The process that a request speaks of, as the kernel showed it just now.
package struct Subject: Sendable {
    package var identity: Identity
    /// It is the process that connected.
    package var isPeer: Bool
    /// It is the agent.
    package var isAgent: Bool
    /// Valid for the resources that were asked about.
    package var now: Limits

    package init(identity: Identity, isPeer: Bool, isAgent: Bool = false, now: Limits) {
        self.identity = identity
        self.isPeer = isPeer
        self.isAgent = isAgent
        self.now = now
    }
}
