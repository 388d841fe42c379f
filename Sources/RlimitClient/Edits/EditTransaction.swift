import RlimitModel

/// The execution of an `EditPlan`, all or nothing: first in the kernel; if it refuses, by the agent for all raising
/// edits, and then in the kernel for the lowering ones.
///
/// The steps are separate so that the caller can wait for the agent in its own way. An edit that was made before a
/// refusal is undone.
struct EditTransaction {
    private(set) var plan: EditPlan
    // By index in the batch.
    private var changes: [Change?]
    // In the order in which the changes were made.
    private var applied: [Change] = []

    init(_ plan: EditPlan) {
        self.plan = plan
        changes = Array(repeating: nil, count: plan.items.count)
    }

    /// A change for each edit, in their order.
    var result: [Change] { changes.compactMap(\.self) }

    /// The outcome of the edits in the kernel.
    enum KernelOutcome: Hashable {
        case done
        /// Nothing was changed. The agent must make `EditPlan.raisingItems`; the error is the kernel's refusal.
        case needsAgent(RlimitError)
    }

    /// Makes the whole batch in the kernel, or nothing if it refuses a part.
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

    /// The agent does not help: makes what the kernel permits. Each `clamp` that falls short gets the reason.
    ///
    /// - Throws: `reason` if an edit other than a clamp needs the agent.
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

    /// The agent has made `EditPlan.raisingItems`; makes the lowering edits.
    mutating func finish<Store: LimitStore & ~Copyable>(
        with granted: [Change], on store: borrowing Store
    ) throws(RlimitError) -> [Change] {
        let raisingItems = plan.raisingItems
        guard granted.map(\.resource) == raisingItems.map(\.resource) else {
            throw RlimitError(.malformed, message: "the agent's changes do not match the requested edits")
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
    // Makes an edit in the kernel. A clamp above fs.nr_open stops at fs.nr_open.
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

    // Makes only the soft half of a clamp, or nothing if the kernel refuses that too.
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

    // Makes the lowering half of an edit, or the whole edit if it raises nothing.
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

    // One prlimit(2), or none if nothing changes. If the old limit is not `expected`, a conditional edit fails, and any
    // other edit is computed again from the old limit.
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

    // Undoes the changes in reverse order, except limits that another process has changed since. The message names the
    // changes that could not be undone.
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
                error.message += "; \(change.resource) could not be restored to \(change.old)"
            }
        }
        changes = Array(repeating: nil, count: changes.count)
        return error
    }
}

extension RlimitError {
    /// Whether the kernel refused what the agent may grant.
    fileprivate func isRefusal(of item: EditPlan.Item) -> Bool {
        item.raises && (code == .deniedByKernel || code == .aboveSystemCeiling && item.isClamp)
    }

    /// The error with the resource and the index of the edit, unless it has them.
    func attributed(to item: EditPlan.Item) -> RlimitError {
        var error = self
        error.resource = error.resource ?? item.resource
        error.editIndex = error.editIndex ?? item.index
        return error
    }

    fileprivate static func conditionalNeedsAgent(_ item: EditPlan.Item) -> RlimitError {
        RlimitError(
            .unsupported,
            message: "only the agent can raise \(item.resource) conditionally: the kernel has no such call",
            resource: item.resource, editIndex: item.index)
    }
}

extension EditTransaction {
    /// The agent failed to make `EditPlan.agentPart` after the kernel's refusal. Makes what the kernel permits, if the
    /// agent has certainly changed nothing.
    mutating func finish<Store: LimitStore & ~Copyable>(
        after error: RlimitError, _ refusal: RlimitError, on store: borrowing Store
    ) throws(RlimitError) -> [Change] {
        let reason = withKernelReason(error, refusal)
        guard error.changedNothing else { throw reason }
        return try finish(without: reason, on: store)
    }

    // Converts the agent's index, which counts the edits of its own request. Without an agent, the kernel's refusal is
    // part of the reason.
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
    /// Whether this error means that the agent has certainly changed nothing, and that asking again does not help.
    var changedNothing: Bool {
        switch code {
        case .agentUnreachable, .untrustedSocket, .deniedByPolicy, .deniedByKernel, .aboveSystemCeiling: true
        case .unsupported, .rateLimited, .quotaExceeded, .pidfdRequired: true
        default: false
        }
    }
}
