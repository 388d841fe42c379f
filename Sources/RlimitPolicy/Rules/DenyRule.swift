package import RlimitModel

/// What the administrator forbids, whatever any rule grants. The baseline alone is beyond its reach.
package struct DenyRule: Hashable, Sendable {
    package var name: String
    package var caller: CallerPattern
    package var target: TargetPattern
    package var operations: Operations
    /// Resources that are not changed at all.
    package var resources: ResourceSet
    /// Resources whose hard limit is not raised above this.
    package var above: Ceilings

    /// With neither `resources` nor `above` it forbids the operations whole.
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

    /// Whether it forbids an operation as such, and not only some changes.
    func forbids(_ operation: Operations) -> Bool {
        resources.isEmpty && above.isEmpty && operations.contains(operation)
    }

    /// How far it lets the hard limit of a resource be raised: nil is as far as it goes, zero not to be touched.
    func effect(on resource: Resource) -> Effect? {
        if forbids(.set) || resources.contains(resource) { return .denied }
        return above[resource].map(Effect.ceiling)
    }

    enum Effect {
        case denied
        case ceiling(Limit.Bound)
    }
}
