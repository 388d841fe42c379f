import RlimitModel

/// A rule that grants operations: to which callers, on which targets, and up to which limits.
package struct AllowRule: Hashable, Sendable {
    package var name: String
    package var caller: CallerPattern
    package var target: TargetPattern
    package var operations: Operations
    /// The maximum hard limits. The rule grants no change of a resource that is not listed.
    package var ceilings: Ceilings
    /// Whether the rule also permits lowering limits.
    package var mayLower: Bool
    package var lease: LeaseTerms?

    package init(
        name: String, caller: CallerPattern, target: TargetPattern = TargetPattern(.sameUser),
        operations: Operations = .onProcesses, ceilings: Ceilings = Ceilings(), mayLower: Bool = false,
        lease: LeaseTerms? = nil
    ) {
        self.name = name
        self.caller = caller
        self.target = target
        self.operations = operations
        self.ceilings = ceilings
        self.mayLower = mayLower
        self.lease = lease
    }

    /// Whether the rule grants changes of this resource.
    func mayGrant(_ resource: Resource) -> Bool {
        operations.contains(.set) && ceilings.resources.contains(resource)
    }

    /// Whether the rule certainly applies to this caller.
    ///
    /// Root in a container without a user namespace can take any uid and any groups. A rule that names no cgroup
    /// therefore applies only to callers in the agent's own PID namespace.
    func covers(_ peer: Peer, _ subordinates: SubordinateIDs) -> Bool {
        guard peer.sharesNamespace || caller.namesCgroup else { return false }
        return caller.match(peer, subordinates) == .yes
    }
}

/// The leases that a rule grants.
package struct LeaseTerms: Hashable, Sendable {
    /// The maximum duration of a lease or a renewal; nil for no maximum.
    package var maxDuration: Duration?
    /// Whether the rule grants only leases and no permanent change.
    package var isRequired: Bool

    package init(maxDuration: Duration? = nil, isRequired: Bool = false) {
        self.maxDuration = maxDuration
        self.isRequired = isRequired
    }

    /// Whether these terms permit a request with this lease term; nil is a permanent change.
    func allows(_ term: LeaseTerm?) -> Bool {
        switch term {
        case nil: !isRequired
        case .connection: true
        case .duration(let asked): maxDuration.map { asked <= $0 } ?? true
        }
    }
}
