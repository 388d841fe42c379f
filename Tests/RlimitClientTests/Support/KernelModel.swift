import RlimitModel

@testable import RlimitClient

/// A model of how the kernel changes the limits of one process for its owner.
final class KernelModel: LimitStore {
    var limits: Limits
    var isPrivileged = false
    var openFilesCeiling: Limit.Bound? = 1_000_000
    /// Every requested exchange, including refused ones.
    var exchanges: [(resource: Resource, new: Limit)] = []
    /// Called before each exchange with its number, from 0. A test changes limits here as another process would.
    var meanwhile: (Int) -> Void = { _ in }
    /// The errors of exchanges, by number.
    var failures: [Int: RlimitError] = [:]

    init(_ limits: Limits) { self.limits = limits }

    func read(_ resource: Resource) throws(RlimitError) -> Limit { limits[resource] }

    func exchange(_ resource: Resource, for new: Limit) throws(RlimitError) -> Limit {
        meanwhile(exchanges.count)
        defer { exchanges.append((resource, new)) }
        if let failure = failures[exchanges.count] { throw failure }
        let old = limits[resource]
        guard new.soft <= new.hard else { throw RlimitError(.invalidArgument) }
        if resource == .openFiles, let openFilesCeiling, new.hard > openFilesCeiling {
            throw RlimitError(.aboveSystemCeiling)
        }
        guard new.hard <= old.hard || isPrivileged else { throw RlimitError(.deniedByKernel) }
        limits[resource] = new
        return old
    }
}

/// A model of an agent that permits raises up to its ceilings, for the process of the kernel model.
final class AgentModel {
    let kernel: KernelModel
    var ceilings: [Resource: Limit.Bound]
    var requests: [EditBatch] = []
    /// The error of every request, if set.
    var failure: RlimitError?

    init(_ kernel: KernelModel, ceilings: [Resource: Limit.Bound] = [:]) {
        self.kernel = kernel
        self.ceilings = ceilings
    }

    func make(_ batch: EditBatch) throws(RlimitError) -> [Change] {
        requests.append(batch)
        if let failure { throw failure }
        let before = kernel.limits
        var changes: [Change] = []
        for (index, edit) in batch.enumerated() {
            do throws(RlimitError) {
                changes.append(try make(edit))
            } catch {
                kernel.limits = before
                var error = error
                error.editIndex = index
                throw error
            }
        }
        return changes
    }

    private func make(_ edit: NumericEdit) throws(RlimitError) -> Change {
        let old = kernel.limits[edit.resource]
        if let expected = edit.expecting, expected != old { throw RlimitError(.conflict) }
        let wanted = edit.applied(to: old)
        var new = wanted
        let ceiling = max(ceilings[edit.resource] ?? 0, old.hard)
        if edit.mode == .clamp {
            new.hard = min(new.hard, ceiling)
            new.soft = min(new.soft, new.hard)
        }
        guard new.soft <= new.hard else { throw RlimitError(.softExceedsHard) }
        guard new.soft >= old.soft, new.hard >= old.hard, new.hard <= ceiling else {
            throw RlimitError(.deniedByPolicy)
        }
        kernel.limits[edit.resource] = new
        let shortfall = new == wanted ? nil : RlimitError(.deniedByPolicy)
        return Change(edit.resource, old: old, new: new, grantedBy: .agent(rule: "test"), shortfall: shortfall)
    }
}
