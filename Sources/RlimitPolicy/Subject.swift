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
    /// There is no such process: `now` is where the question begins, and nothing to be told.
    package var isSupposed: Bool

    package init(identity: Identity, isPeer: Bool, isAgent: Bool = false, now: Limits, isSupposed: Bool = false) {
        self.identity = identity
        self.isPeer = isPeer
        self.isAgent = isAgent
        self.now = now
        self.isSupposed = isSupposed
    }
}
