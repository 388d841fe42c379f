package import RlimitModel

/// A bound for some of the sixteen resources. Inline, so that looking one up costs nothing.
package struct Ceilings: Hashable, Sendable {
    package private(set) var resources: ResourceSet
    private var bounds: InlineArray<16, Limit.Bound>

    package init() {
        resources = .none
        bounds = InlineArray(repeating: 0)
    }

    package init(_ bounds: [Resource: Limit.Bound]) {
        self.init()
        for (resource, bound) in bounds { self[resource] = bound }
    }

    package var isEmpty: Bool { resources.isEmpty }

    /// nil where there is none. One that was set cannot be taken back.
    package subscript(resource: Resource) -> Limit.Bound? {
        get { resources.contains(resource) ? bounds[resource.index] : nil }
        set {
            guard let newValue else { return }
            resources.insert(resource)
            bounds[resource.index] = newValue
        }
    }

    package static func == (left: Ceilings, right: Ceilings) -> Bool {
        left.resources == right.resources && left.resources.allSatisfy { left[$0] == right[$0] }
    }

    package func hash(into hasher: inout Hasher) {
        for resource in resources {
            hasher.combine(resource)
            hasher.combine(self[resource])
        }
    }
}
