package import RlimitModel

/// A rule that forbids operations, whatever other rules grant. It does not restrict the baseline.
package struct DenyRule: Hashable, Sendable {
    package var name: String
    package var caller: CallerPattern
    package var target: TargetPattern
    package var operations: Operations
    /// Resources that must not be changed at all.
    package var resources: ResourceSet
    /// Maximum hard limits: raises above them are forbidden.
    package var above: Ceilings

    /// A rule with neither `resources` nor `above` forbids the operations completely.
    package init(
        name: String, caller: CallerPattern, target: TargetPattern = TargetPattern(.any),
        operations: Operations = .onProcesses, resources: ResourceSet = .none, above: Ceilings = Ceilings()
    ) {
        self.name = name
        self.caller = caller
        self.target = target
        self.operations = operations
        self.resources = resources
        self.above = above
    }

    /// Whether the rule forbids the operation completely, and not only some changes.
    func forbids(_ operation: Operations) -> Bool {
        resources.isEmpty && above.isEmpty && operations.contains(operation)
    }

    /// How the rule restricts changes of a resource; nil if it does not.
    func effect(on resource: Resource) -> Effect? {
        if forbids(.set) || resources.contains(resource) { return .denied }
        return above[resource].map(Effect.ceiling)
    }

    enum Effect {
        case denied
        case ceiling(Limit.Bound)
    }
}
