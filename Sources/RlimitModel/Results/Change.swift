/// The result of an edit: the limits before and after, and what permitted the change.
public struct Change: Hashable, Sendable {
    /// The resource with these limits.
    public var resource: Resource
    /// The limits before the edit.
    public var old: Limit
    /// The limits after the edit; equal to `old` if no change was necessary.
    public var new: Limit
    /// What permitted the change.
    public var grantedBy: Grantor
    /// For `.clamp`: why less than requested was granted.
    public var shortfall: RlimitError?
    /// Reasons why the new limit may have no effect.
    public var warnings: Set<Warning>

    /// A change with all its parts.
    public init(
        _ resource: Resource, old: Limit, new: Limit, grantedBy: Grantor, shortfall: RlimitError? = nil,
        warnings: Set<Warning> = []
    ) {
        self.resource = resource
        self.old = old
        self.new = new
        self.grantedBy = grantedBy
        self.shortfall = shortfall
        self.warnings = warnings
    }

    /// What permitted a change.
    @nonexhaustive
    public enum Grantor: Hashable, Sendable {
        /// The kernel, without the agent.
        case kernel
        /// The agent, by this policy rule; nil if none was needed.
        case agent(rule: String?)
    }

    /// A reason why a new limit may have no effect.
    @nonexhaustive
    public enum Warning: Hashable, Sendable {
        /// The target is in a user namespace, and the limit of the namespace's creator also applies to it
        /// (user_namespaces(7), since Linux 5.14).
        case limitedByUserNamespace
    }
}

extension Change: CustomStringConvertible {
    /// For example `nofile 1024:4096 -> 65536:65536 (agent, rule "web servers")`.
    public var description: String {
        let grantor =
            switch grantedBy {
            case .kernel: "kernel"
            case .agent(rule: let rule?): "agent, rule \"\(rule)\""
            case .agent(rule: nil): "agent"
            }
        return "\(resource) \(old) -> \(new) (\(grantor))"
    }
}
