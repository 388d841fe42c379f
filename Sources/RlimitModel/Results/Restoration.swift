/// What the end of a lease came to, for one resource.
public struct Restoration: Hashable, Sendable {
    /// Whose limits.
    public var resource: Resource
    /// Whether they went back, and if not, why.
    public var outcome: Outcome
    /// The limits now; nil where there is no process to have any, or the agent could not tell.
    public var limit: Limit?

    package init(_ resource: Resource, _ outcome: Outcome, limit: Limit? = nil) {
        self.resource = resource
        self.outcome = outcome
        self.limit = limit
    }

    /// Whether the limits went back, and if not, why.
    @nonexhaustive
    public enum Outcome: Hashable, Sendable {
        /// They are what they were before the lease.
        case restored
        /// Another lease on the same process holds them, and they went back no further than to what that one granted.
        case heldByAnotherLease
        /// Somebody else changed them meanwhile: they are left as they are.
        case changedByTarget
        /// The process has other user or group ids than when the lease was granted, as after the exec(2) of a setuid program:
        /// they are left as they are, and the agent tries again later.
        case identityChanged
        /// There is no such process any more.
        case processEnded
    }
}

extension Restoration: CustomStringConvertible {
    /// As `nofile restored to 1024:4096`.
    public var description: String { description(limit: limit.map { "\($0)" }) }

    /// The same, with the limits in other words.
    package func description(limit: String?) -> String {
        let stays = "\(resource) stays" + (limit.map { " \($0)" } ?? "")
        return switch outcome {
        case .restored: "\(resource) restored" + (limit.map { " to \($0)" } ?? "")
        case .heldByAnotherLease: "\(stays): another lease holds it"
        case .changedByTarget: "\(stays): it was changed meanwhile"
        case .identityChanged: "\(stays): the process has other ids now; the agent tries again"
        case .processEnded: "\(resource): the process has ended"
        }
    }
}
