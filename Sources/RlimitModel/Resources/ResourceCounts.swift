/// A number for some of the sixteen resources. Stored inline, so that usage of a thousand processes allocates nothing
/// here.
struct ResourceCounts: Hashable, Sendable {
    private var known = ResourceSet.none
    // 0 for a resource without a number.
    private var storage = InlineArray<16, UInt64>(repeating: 0)

    subscript(resource: Resource) -> UInt64? {
        get { known.contains(resource) ? storage[resource.index] : nil }
        set {
            if newValue == nil { known.remove(resource) } else { known.insert(resource) }
            storage[resource.index] = newValue ?? 0
        }
    }

    static func == (left: ResourceCounts, right: ResourceCounts) -> Bool {
        left.known == right.known && left.known.allSatisfy { left[$0] == right[$0] }
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(known)
        for resource in known { hasher.combine(storage[resource.index]) }
    }
}
