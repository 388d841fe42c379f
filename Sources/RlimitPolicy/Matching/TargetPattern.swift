/// Which processes a rule is about, seen from the caller.
package struct TargetPattern: Hashable, Sendable {
    package var relation: Relation
    /// Of these users only; nil is whoever they are.
    package var users: IDSet?

    package init(_ relation: Relation, users: IDSet? = nil) {
        self.relation = relation
        self.users = users
    }

    /// How the target stands to the caller.
    package enum Relation: String, Hashable, CaseIterable, Sendable {
        /// The process that connected.
        case itself = "self"
        /// The caller's own processes; for a caller in a container those of its pod.
        case sameUser = "same-user"
        /// What the caller started, and what that started, under the caller's own ids.
        case descendant
        /// Whoever's it is.
        case sameCgroup = "same-cgroup"
        /// Whoever's it is.
        case samePod = "same-pod"
        /// Every process.
        case any
        /// Every process that has a user id that is not the caller's.
        case otherUser = "other-user"
    }
}
