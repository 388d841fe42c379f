import RlimitKernel
import RlimitModel

/// The lease table and its copy on disk, in the order of a write-ahead journal: a lease is recorded before any limit
/// changes, and its record is erased after the limits have been restored.
struct LeaseJournal: ~Copyable {
    /// Changes that the next agent need not know are made here directly.
    var table = LeaseTable()
    /// nil: no lease outlives this agent.
    private var store: LeaseStore?

    init() {}

    init(_ store: consuming LeaseStore, maxProcesses: Int = LeaseTable.Capacity().processes) {
        self.store = consume store
        table.capacity.processes = maxProcesses
    }

    /// Records a lease, in place of its record if it has one.
    func write(_ lease: Lease) throws(RlimitError) {
        switch store {
        case .some(let store): try store.write(lease)
        case .none: break
        }
    }

    func erase(_ id: LeaseInfo.ID) {
        switch store {
        case .some(let store): store.remove(id)
        case .none: break
        }
    }

    func load() throws(SystemError) -> [Lease] {
        switch store {
        case .some(let store): try store.load()
        case .none: []
        }
    }

    func logError(_ what: String) {
        switch store {
        case .some(let store): store.logError(what)
        case .none: break
        }
    }

    /// Adds a granted lease that has a record already.
    mutating func insert(_ lease: Lease) {
        for orphan in table.insert(lease) { erase(orphan) }
    }

    /// Removes a lease and its record.
    mutating func remove(_ id: LeaseInfo.ID) {
        for orphan in table.remove(id) { erase(orphan) }
        erase(id)
    }

    mutating func renew(_ lease: Lease) throws(RlimitError) {
        try write(lease)
        table.renew(lease)
    }

    /// Keeps a lease that has ended until `retry`, with the limits that could not be restored.
    mutating func suspend(_ lease: Lease, keeping parts: [LeasePart], at now: BootInstant, until retry: BootInstant) {
        for orphan in table.suspend(lease.id, until: retry, keeping: parts) { erase(orphan) }
        guard !lease.hasEnded, var suspended = table[lease.id] else { return }
        // The next agent tries at once.
        suspended.term = .duration
        suspended.endsAt = now
        try? write(suspended)
    }

    /// Gives up restoring one limit, which an authorized caller has lowered.
    mutating func abandon(_ resource: Resource, of process: ProcessIdentity) {
        let abandoned = table.abandon(resource, of: process)
        for lease in abandoned.leases { try? write(lease) }
        if let permanent = abandoned.permanent { erase(permanent) }
    }

    /// Takes over the leases of one process that the previous agent recorded, given its limits now.
    mutating func adopt(_ leases: [Lease], limits: Limits) {
        for orphan in table.adopt(leases, limits: limits) { erase(orphan) }
    }
}
