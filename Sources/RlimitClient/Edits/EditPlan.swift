import RlimitModel

/// A batch of edits of known current limits: the resulting limits, and the part of each edit that needs the agent.
///
/// The batch is validated as a whole, so that no edit of an invalid batch is made. A pure value.
struct EditPlan: Hashable {
    private(set) var items: [Item]

    /// - Throws: `.invalidArgument` for a resource that is named twice, `.conflict` if a limit is not the expected one,
    ///   `.softExceedsHard`; each with the index of the edit.
    init(_ edits: [NumericEdit], now: Limits) throws(RlimitError) {
        try Self.requireDistinct(edits.lazy.map(\.resource))
        var items: [Item] = []
        for (index, edit) in edits.enumerated() {
            items.append(try Item(index: index, edit, now: now[edit.resource]))
        }
        self.items = items
    }

    static func requireDistinct(_ resources: some Sequence<Resource>) throws(RlimitError) {
        var seen = ResourceSet.none
        for (index, resource) in resources.enumerated() where !seen.insert(resource) {
            throw RlimitError(
                .invalidArgument, message: "\(resource) is named twice; one batch may change each resource once",
                resource: resource, editIndex: index)
        }
    }

    /// The edits in the order in which a process can make them and still undo them: first those that may be refused,
    /// last those that lower a hard limit, because the process cannot raise it again.
    var inSafeOrder: [Item] {
        items.filter { $0.rank == 0 } + items.filter { $0.rank == 1 } + items.filter { $0.rank == 2 }
            + items.filter { $0.rank == 3 }
    }

    /// The edits that raise a half: the agent's part, if it must be asked.
    var raisingItems: [Item] { items.filter(\.raises) }

    /// The batch for the agent, if it must be asked.
    var agentPart: EditBatch { EditBatch(raisingItems.lazy.map(\.agentPart)) }

    /// An edit that only the agent can make, if the batch has one: it raises on a condition, and the kernel has no
    /// compare-and-set.
    var conditionalItem: Item? { items.first { $0.edit.expecting != nil && $0.raises } }

    /// Another process raised the limit during the edit. The edit lowered it to `now`, and the kernel refuses to raise
    /// it to `wanted` again, so the raise becomes the agent's part.
    mutating func replan(for wanted: Limit, from now: Limit, by item: Item) {
        let edit = NumericEdit(item.resource, soft: wanted.soft, hard: wanted.hard, mode: item.edit.mode)
        items[item.index] = Item(index: item.index, edit: edit, now: now, wanted: wanted)
    }

    /// One edit of the batch.
    struct Item: Hashable {
        /// Its index in the batch.
        let index: Int
        let edit: NumericEdit
        let now: Limit
        /// The resulting limit.
        let wanted: Limit

        fileprivate init(index: Int, edit: NumericEdit, now: Limit, wanted: Limit) {
            self.index = index
            self.edit = edit
            self.now = now
            self.wanted = wanted
        }

        init(index: Int, _ edit: NumericEdit, now: Limit) throws(RlimitError) {
            self.index = index
            self.edit = edit
            self.now = now
            wanted = try Self.outcome(of: edit, on: now, index)
            if let expected = edit.expecting, expected != now {
                throw RlimitError.conflict(edit.resource, is: now, expected: expected, index)
            }
        }

        var resource: Resource { edit.resource }
        var isClamp: Bool { edit.mode == .clamp }
        var raisesHard: Bool { wanted.hard > now.hard }
        var raises: Bool { raisesHard || wanted.soft > now.soft }
        var lowersHard: Bool { wanted.hard < now.hard }
        var lowers: Bool { lowersHard || wanted.soft < now.soft }

        fileprivate var rank: Int {
            if raisesHard { return 0 }
            if lowersHard { return 3 }
            return lowers ? 2 : 1
        }

        /// The edit for the agent: the whole edit, or only the raised half if the edit also lowers the other one.
        var agentPart: NumericEdit {
            guard lowers else { return edit }
            return NumericEdit(
                resource, soft: wanted.soft > now.soft ? wanted.soft : nil, hard: raisesHard ? wanted.hard : nil,
                expecting: edit.expecting)
        }

        /// The result of the edit for another current limit.
        func wanted(from now: Limit) throws(RlimitError) -> Limit { try Self.outcome(of: edit, on: now, index) }

        private static func outcome(
            of edit: NumericEdit, on now: Limit, _ index: Int
        ) throws(RlimitError) -> Limit {
            var limit = edit.applied(to: now)
            if edit.mode == .clamp { limit.soft = min(limit.soft, limit.hard) }
            guard limit.soft <= limit.hard else {
                throw RlimitError(
                    .softExceedsHard, message: "\(edit.resource): soft \(limit.soft) is above hard \(limit.hard)",
                    resource: edit.resource, editIndex: index)
            }
            return limit
        }
    }
}

extension RlimitError {
    static func conflict(_ resource: Resource, is now: Limit, expected: Limit, _ index: Int) -> RlimitError {
        RlimitError(
            .conflict, message: "\(resource) is \(now) and not \(expected) as expected", resource: resource,
            editIndex: index)
    }
}
