/// An edit that was made: what the limits were, what they are, and who said yes.
public struct Change: Hashable, Sendable {
    /// Whose limits.
    public var resource: Resource
    /// Before.
    public var old: Limit
    /// After. Equal to `old` where nothing had to be done.
    public var new: Limit
    /// Who said yes.
    public var grantedBy: Grantor
    /// Of `.clamp`: why it is not all that was asked for.
    public var shortfall: RlimitError?
    /// What may keep the new limit from having its effect.
    public var warnings: Set<Warning>

    /// A change as it was made.
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

    /// Who said yes to a change.
    @nonexhaustive
    public enum Grantor: Hashable, Sendable {
        /// The kernel, without the agent.
        case kernel
        /// The agent, by this policy rule; nil where none was needed.
        case agent(rule: String?)
    }

    /// What may keep a new limit from having its effect.
    @nonexhaustive
    public enum Warning: Hashable, Sendable {
        /// The target is in a user namespace whose creator's limit holds this one down whatever it says
        /// (user_namespaces(7), since Linux 5.14).
        case limitedByUserNamespace
    }
}

extension Change: CustomStringConvertible {
    /// As `nofile 1024:4096 -> 65536:65536 (agent, rule "web servers")`.
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
