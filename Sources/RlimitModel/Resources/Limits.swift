/// The limits of a process: a `Limit` for each of the sixteen resources, in the order of `Resource.allCases`.
public struct Limits: Hashable, Sendable, RandomAccessCollection {
    // Inline, so that a response with sixteen limits costs the agent no allocation.
    private var storage: InlineArray<16, Limit>

    /// The same limit for every resource.
    package init(repeating limit: Limit = Limit(.infinity)) { storage = InlineArray(repeating: limit) }

    /// The limit of one resource.
    public package(set) subscript(resource: Resource) -> Limit {
        get { storage[resource.index] }
        set { storage[resource.index] = newValue }
    }

    /// Always 0.
    public var startIndex: Int { 0 }
    /// Always 16.
    public var endIndex: Int { Resource.count }

    /// The limit of the resource at an index of `Resource.allCases`.
    public subscript(position: Int) -> Limit { storage[position] }

    /// Compares all sixteen limits.
    public static func == (left: Limits, right: Limits) -> Bool { left.elementsEqual(right) }

    /// Hashes all sixteen limits.
    public func hash(into hasher: inout Hasher) {
        for limit in self { hasher.combine(limit) }
    }
}
