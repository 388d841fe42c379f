/// An edit whose halves are numbers: what travels to the agent, and what the kernel can be asked for.
///
/// "The present hard limit" and "the most one may have" were worked out by then; the protocol has no words for them.
package struct NumericEdit: Hashable, Sendable {
    package var resource: Resource
    package var mode: Edit.Mode
    package var soft: Limit.Bound?
    package var hard: Limit.Bound?
    package var expecting: Limit?

    package init(
        _ resource: Resource, soft: Limit.Bound? = nil, hard: Limit.Bound? = nil, mode: Edit.Mode = .exact,
        expecting: Limit? = nil
    ) {
        self.resource = resource
        self.mode = mode
        self.soft = soft
        self.hard = hard
        self.expecting = expecting
    }

    /// The limits that this edit leads to from `now`, where nothing is refused. A hard limit that is not mentioned stays.
    package func applied(to now: Limit) -> Limit {
        switch mode {
        case .exact: Limit(soft: soft ?? now.soft, hard: hard ?? now.hard)
        case .atLeast, .clamp: Limit(soft: max(soft ?? 0, now.soft), hard: max(hard ?? 0, now.hard))
        }
    }
}

/// Up to sixteen edits. The first lies inline, so that a request with one, as most are, is small and costs no allocation.
package struct EditBatch: Sendable {
    package static let capacity = 16
    // Means nothing while there is none.
    private var first = NumericEdit(.cpuTime)
    private var others: [NumericEdit] = []
    package private(set) var count = 0

    /// - Parameter count: How many will be appended.
    package init(reserving count: Int = 0) {
        if count > 1 { others.reserveCapacity(Swift.min(count, Self.capacity) - 1) }
    }

    package init(_ edit: NumericEdit) { append(edit) }

    package init(_ edits: some Sequence<NumericEdit>) {
        for edit in edits { append(edit) }
    }

    /// False, and nothing is added, if there are sixteen already.
    @discardableResult
    package mutating func append(_ edit: NumericEdit) -> Bool {
        guard count < Self.capacity else { return false }
        if count == 0 { first = edit } else { others.append(edit) }
        count += 1
        return true
    }

    /// Those whose limits it changes.
    package var resources: ResourceSet {
        var resources = ResourceSet.none
        for index in 0..<count { resources.insert(self[index].resource) }
        return resources
    }
}

extension EditBatch: RandomAccessCollection, Hashable {
    package var startIndex: Int { 0 }
    package var endIndex: Int { count }
    package subscript(position: Int) -> NumericEdit { position == 0 ? first : others[position - 1] }

    package static func == (left: EditBatch, right: EditBatch) -> Bool { left.elementsEqual(right) }
    package func hash(into hasher: inout Hasher) { for edit in self { hasher.combine(edit) } }
}
