import RlimitModel

/// A plan being carried out: the kernel first, then the agent for all that raises, and last what the client lowers itself.
///
/// The three steps are apart so that whoever runs them may wait for the agent as it likes. All or nothing: what was made
/// before a refusal is taken back.
struct EditTransaction {
    private(set) var plan: EditPlan
    // By place in the batch.
    private var changes: [Change?]
    // In the order in which they were made.
    private var applied: [Change] = []

    init(_ plan: EditPlan) {
        self.plan = plan
        changes = Array(repeating: nil, count: plan.items.count)
    }

    /// A change for each edit, in their order.
    var result: [Change] { changes.compactMap(\.self) }

    /// What came of asking the kernel alone.
    enum KernelOutcome: Hashable {
        case done
        /// Nothing was made. The agent is to be asked for `EditPlan.raisingItems`; the error says why.
        case needsAgent(RlimitError)
    }

    /// Makes all of the batch, or nothing where the kernel refuses part.
    mutating func applyInKernel<Store: LimitStore & ~Copyable>(_ store: borrowing Store) throws(RlimitError)
        -> KernelOutcome
    {
        if let item = plan.conditionalItem { return .needsAgent(.conditionalNeedsAgent(item)) }
        for item in plan.inSafeOrder {
            do throws(RlimitError) {
                try apply(item, on: store)
            } catch {
                let failure = undo(after: error.attributed(to: item), on: store)
                guard error.isRefusal(of: plan.items[item.index]) else { throw failure }
                return .needsAgent(failure)
            }
        }
        return .done
    }

    /// The agent will not help: makes what the kernel alone gives, and notes on each `clamp` that fell short why.
    ///
    /// - Throws: `reason` where something else than a clamp needed the agent.
    mutating func finish<Store: LimitStore & ~Copyable>(
        without reason: RlimitError, on store: borrowing Store
    ) throws(RlimitError) -> [Change] {
        if plan.conditionalItem != nil { throw reason }
        for item in plan.inSafeOrder {
            do throws(RlimitError) {
                do throws(RlimitError) {
                    try apply(item, on: store)
                } catch {
                    guard error.isRefusal(of: item) else { throw error.attributed(to: item) }
                    guard item.isClamp else { throw reason }
                    try applySoftOnly(item, reason, on: store)
                }
            } catch {
                throw undo(after: error, on: store)
            }
        }
        return result
    }

    /// The agent made `EditPlan.raisingItems`; lowers what is left to lower.
    mutating func finish<Store: LimitStore & ~Copyable>(
        with granted: [Change], on store: borrowing Store
    ) throws(RlimitError) -> [Change] {
        let raisingItems = plan.raisingItems
        guard granted.map(\.resource) == raisingItems.map(\.resource) else {
            throw RlimitError(.malformed, message: "the agent answered other edits than it was asked for")
        }
        for (item, change) in zip(raisingItems, granted) {
            changes[item.index] = change
            applied.append(change)
        }
        for item in plan.inSafeOrder where item.lowers || changes[item.index] == nil {
            do throws(RlimitError) {
                try lower(item, on: store)
            } catch {
                throw undo(after: error.attributed(to: item), on: store)
            }
        }
        return result
    }
}

extension EditTransaction {
    // The edit as far as the kernel goes; a clamp that is above the system's ceiling stops there.
    private mutating func apply<Store: LimitStore & ~Copyable>(
        _ item: EditPlan.Item, on store: borrowing Store
    ) throws(RlimitError) {
        do throws(RlimitError) {
            try exchange(item, for: item.wanted, expecting: item.now, on: store)
        } catch  where error.code == .aboveSystemCeiling && item.isClamp {
            guard let ceiling = store.openFilesCeiling, ceiling > item.now.hard else {
                return try applySoftOnly(item, error, on: store)
            }
            let capped = Limit(soft: min(item.wanted.soft, ceiling), hard: ceiling)
            try exchange(item, for: capped, expecting: item.now, shortfall: error.attributed(to: item), on: store)
        }
    }

    // A clamp without its hard half, and nothing of it where even that is refused.
    private mutating func applySoftOnly<Store: LimitStore & ~Copyable>(
        _ item: EditPlan.Item, _ reason: RlimitError, on store: borrowing Store
    ) throws(RlimitError) {
        let reason = reason.attributed(to: item)
        let capped = Limit(soft: min(item.wanted.soft, item.now.hard), hard: item.now.hard)
        do throws(RlimitError) {
            try exchange(item, for: capped, expecting: item.now, shortfall: reason, on: store)
        } catch  where error.isRefusal(of: item) {
            try exchange(item, for: item.now, expecting: item.now, shortfall: reason, on: store)
        }
    }

    // What the edit also lowers, or all of it where there was nothing to raise.
    private mutating func lower<Store: LimitStore & ~Copyable>(
        _ item: EditPlan.Item, on store: borrowing Store
    ) throws(RlimitError) {
        guard var change = changes[item.index] else {
            return try exchange(item, for: item.wanted, expecting: item.now, on: store)
        }
        try exchange(item, for: try item.wanted(from: change.new), expecting: change.new, on: store)
        if let lowered = changes[item.index] { change.new = lowered.new }
        changes[item.index] = change
    }

    // One prlimit(2), or none where nothing changes. `expected` is what the limits should be before it: where they were not,
    // a compare-and-set fails, and any other edit is worked out anew from what they were.
    private mutating func exchange<Store: LimitStore & ~Copyable>(
        _ item: EditPlan.Item, for wanted: Limit, expecting expected: Limit, shortfall: RlimitError? = nil,
        on store: borrowing Store
    ) throws(RlimitError) {
        var change = Change(item.resource, old: expected, new: wanted, grantedBy: .kernel, shortfall: shortfall)
        if wanted != expected {
            change.old = try store.exchange(item.resource, for: wanted)
            applied.append(change)
        }
        if change.old != expected {
            guard item.edit.expecting == nil else {
                throw RlimitError.conflict(item.resource, is: change.old, expected: expected, item.index)
            }
            change.new = try item.wanted(from: change.old)
            if shortfall != nil {
                change.new = Limit(soft: max(change.old.soft, wanted.soft), hard: max(change.old.hard, wanted.hard))
            }
            if change.new != wanted {
                do throws(RlimitError) {
                    _ = try store.exchange(item.resource, for: change.new)
                } catch {
                    plan.replan(for: change.new, from: wanted, by: item)
                    throw error
                }
                applied[applied.count - 1].new = change.new
            }
        }
        changes[item.index] = change
    }

    // Puts back what was made, the last first, unless somebody else has changed it since. Says what could not be.
    private mutating func undo<Store: LimitStore & ~Copyable>(
        after error: RlimitError, on store: borrowing Store
    ) -> RlimitError {
        var error = error
        while let change = applied.popLast() {
            do throws(RlimitError) {
                guard try store.read(change.resource) == change.new else { continue }
                _ = try store.exchange(change.resource, for: change.old)
            } catch let failure {
                guard failure.code != .noSuchProcess else { continue }
                error.message += "; \(change.resource) could not be put back to \(change.old)"
            }
        }
        changes = Array(repeating: nil, count: changes.count)
        return error
    }
}

extension RlimitError {
    /// Whether the kernel refused what the agent might give.
    fileprivate func isRefusal(of item: EditPlan.Item) -> Bool {
        item.raises && (code == .deniedByKernel || code == .aboveSystemCeiling && item.isClamp)
    }

    /// The same, naming the edit where it names none.
    func attributed(to item: EditPlan.Item) -> RlimitError {
        var error = self
        error.resource = error.resource ?? item.resource
        error.editIndex = error.editIndex ?? item.index
        return error
    }

    fileprivate static func conditionalNeedsAgent(_ item: EditPlan.Item) -> RlimitError {
        RlimitError(
            .unsupported,
            message: "only the agent can raise \(item.resource) on a condition: the kernel has no such call",
            resource: item.resource, editIndex: item.index)
    }
}

extension EditTransaction {
    /// The agent was asked for `EditPlan.agentPart`, after the kernel's refusal, and did not do it. Makes what can be made
    /// without it, where it surely changed nothing.
    mutating func finish<Store: LimitStore & ~Copyable>(
        after error: RlimitError, _ refusal: RlimitError, on store: borrowing Store
    ) throws(RlimitError) -> [Change] {
        let reason = withKernelReason(error, refusal)
        guard error.changedNothing else { throw reason }
        return try finish(without: reason, on: store)
    }

    // The agent counts the edits that it was sent; where there is none to ask, what the kernel said matters as much.
    private func withKernelReason(_ error: RlimitError, _ refusal: RlimitError) -> RlimitError {
        let raisingItems = plan.raisingItems
        var error = error
        if let index = error.editIndex {
            error.editIndex = raisingItems.indices.contains(index) ? raisingItems[index].index : nil
        }
        if error.code == .agentUnreachable || error.code == .untrustedSocket {
            error.message = "\(refusal.message), and \(error.message)"
            error.resource = refusal.resource
            error.editIndex = refusal.editIndex
        }
        return error
    }
}

extension RlimitError {
    /// Whether the agent, by saying this, or by not being there, has surely changed nothing and is no help either.
    var changedNothing: Bool {
        switch code {
        case .agentUnreachable, .untrustedSocket, .deniedByPolicy, .deniedByKernel, .aboveSystemCeiling: true
        case .unsupported, .rateLimited, .quotaExceeded, .pidfdRequired: true
        default: false
        }
    }
}
