import RlimitKernel
import RlimitModel

/// The book of leases, and what of it is written down. What is not written down first is not done.
struct LeaseJournal: ~Copyable {
    var table = LeaseTable()
    /// nil: nothing of it outlives this agent.
    private var store: LeaseStore?

    init() {}

    init(_ store: consuming LeaseStore) { self.store = consume store }

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

    /// A lease was granted, and written down before.
    mutating func insert(_ lease: Lease) {
        for orphan in table.insert(lease) { erase(orphan) }
    }

    /// A lease is done with.
    mutating func remove(_ id: LeaseInfo.ID) {
        for orphan in table.remove(id) { erase(orphan) }
        erase(id)
    }
}
