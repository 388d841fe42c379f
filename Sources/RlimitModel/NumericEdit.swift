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

/// Up to sixteen edits, inline: a batch travels through the agent without an allocation.
package struct EditBatch: Sendable {
    package static let capacity = 16
    private var storage: InlineArray<16, NumericEdit>
    package private(set) var count = 0

    package init() { storage = InlineArray(repeating: NumericEdit(.cpuTime)) }

    package init(_ edits: some Sequence<NumericEdit>) {
        self.init()
        for edit in edits { append(edit) }
    }

    /// False, and nothing is added, if there are sixteen already.
    @discardableResult
    package mutating func append(_ edit: NumericEdit) -> Bool {
        guard count < Self.capacity else { return false }
        storage[count] = edit
        count += 1
        return true
    }
}

extension EditBatch: RandomAccessCollection, Hashable {
    package var startIndex: Int { 0 }
    package var endIndex: Int { count }
    package subscript(position: Int) -> NumericEdit { storage[position] }

    package static func == (left: EditBatch, right: EditBatch) -> Bool { left.elementsEqual(right) }
    package func hash(into hasher: inout Hasher) { for edit in self { hasher.combine(edit) } }
}
