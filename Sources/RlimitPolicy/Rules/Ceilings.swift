package import RlimitModel

/// Bounds for some of the sixteen resources. Stored inline, so that a lookup needs no allocation.
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

    /// The bound of a resource; nil if there is none. Setting nil has no effect.
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
