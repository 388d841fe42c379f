import RlimitModel

/// What the administrator grants: whom, on which processes, and how far.
package struct AllowRule: Hashable, Sendable {
    package var name: String
    package var caller: CallerPattern
    package var target: TargetPattern
    package var operations: Operations
    /// How far the hard limit may be raised. A resource that is not here is not changed by this rule.
    package var ceilings: Ceilings
    /// Whether limits may be lowered too.
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

    /// Whether it is about changes of this resource at all.
    func mayGrant(_ resource: Resource) -> Bool {
        operations.contains(.set) && ceilings.resources.contains(resource)
    }

    /// Whether this caller is surely meant.
    ///
    /// Root in a container without a user namespace can take any uid and any groups, so a rule that names no cgroup is
    /// for callers in the agent's own PID namespace.
    func covers(_ peer: Peer) -> Bool {
        guard peer.sharesNamespace || caller.namesCgroup else { return false }
        return caller.match(peer) == .yes
    }
}

/// The end that grants of a rule have.
package struct LeaseTerms: Hashable, Sendable {
    /// The longest that one may last, or be renewed for; nil is any time.
    package var maxDuration: Duration?
    /// Whether the rule grants nothing for good.
    package var isRequired: Bool

    package init(maxDuration: Duration? = nil, isRequired: Bool = false) {
        self.maxDuration = maxDuration
        self.isRequired = isRequired
    }

    /// Whether a request that asks for this term (nil: for good) is within these.
    func allows(_ term: LeaseTerm?) -> Bool {
        switch term {
        case nil: !isRequired
        case .connection: true
        case .duration(let asked): maxDuration.map { asked <= $0 } ?? true
        }
    }
}
