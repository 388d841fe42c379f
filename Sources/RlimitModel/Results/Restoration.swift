/// The result of the end of a lease, for one resource.
public struct Restoration: Hashable, Sendable {
    /// The resource with these limits.
    public var resource: Resource
    /// Whether the limits were restored, or the reason why not.
    public var outcome: Outcome
    /// The current limits; nil if the process has ended or the agent could not read them.
    public var limit: Limit?

    package init(_ resource: Resource, _ outcome: Outcome, limit: Limit? = nil) {
        self.resource = resource
        self.outcome = outcome
        self.limit = limit
    }

    /// Whether the limits were restored, or the reason why not.
    @nonexhaustive
    public enum Outcome: Hashable, Sendable {
        /// The limits are what they were before the lease.
        case restored
        /// Another lease on the same process holds the limits up, so they were lowered only to the limits of that
        /// lease.
        case heldByAnotherLease
        /// The limits were changed otherwise during the lease, so they stay as they are.
        case changedByTarget
        /// The process has other user or group ids than when the lease was granted, for example after exec(2) of a
        /// setuid program. The limits stay as they are, and the agent tries again later.
        case identityChanged
        /// The process has ended.
        case processEnded
    }
}

extension Restoration: CustomStringConvertible {
    /// For example `nofile restored to 1024:4096`.
    public var description: String { description(limit: limit.map { "\($0)" }) }

    /// The description with another text for the limits.
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
