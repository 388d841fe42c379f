import RlimitModel

@testable import RlimitClient

/// What the kernel does to the limits of one process when its own user asks, without a kernel.
final class KernelModel: LimitStore {
    var limits: Limits
    var isPrivileged = false
    var openFilesCeiling: Limit.Bound? = 1_000_000
    /// Every exchange that was asked for, refused ones too.
    var exchanges: [(resource: Resource, new: Limit)] = []
    /// Called before each exchange with its number, from 0: somebody else's chance.
    var meanwhile: (Int) -> Void = { _ in }
    /// What an exchange of that number fails with.
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

/// What the agent does for whoever may have this much, on the limits of the same process.
final class AgentModel {
    let kernel: KernelModel
    var ceilings: [Resource: Limit.Bound]
    var requests: [EditBatch] = []
    /// What it answers instead of doing anything.
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
