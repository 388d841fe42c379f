import RlimitKernel
import RlimitModel

/// An index of leases by owner. The cost of a request about the caller's own leases does not depend on the leases of
/// others.
struct LeaseOwners {
    private enum Owner: Hashable {
        case session(UInt64)
        case process(ProcessIdentity)
        case user(UInt32)
    }

    private var owned: [Owner: Set<LeaseInfo.ID>] = [:]

    /// All leases that the requester owns, and possibly others.
    func leases(of requester: LeaseRequester) -> Set<LeaseInfo.ID> {
        Self.owners(requester.holder, session: requester.session)
            .reduce(into: []) { found, owner in found.formUnion(owned[owner] ?? []) }
    }

    mutating func insert(_ lease: Lease) {
        for owner in Self.owners(of: lease) { owned[owner, default: []].insert(lease.id) }
    }

    mutating func remove(_ lease: Lease) {
        for owner in Self.owners(of: lease) { remove(lease.id, from: owner) }
    }

    /// Removes a lease from those of a connection.
    mutating func remove(_ id: LeaseInfo.ID, session: UInt64) { remove(id, from: .session(session)) }

    /// Removes a connection that has closed, and returns its leases.
    mutating func removeAll(session: UInt64) -> Set<LeaseInfo.ID> { owned.removeValue(forKey: .session(session)) ?? [] }

    private mutating func remove(_ id: LeaseInfo.ID, from owner: Owner) {
        owned[owner]?.remove(id)
        if owned[owner]?.isEmpty == true { owned[owner] = nil }
    }

    // A permanent edit has no owner.
    private static func owners(of lease: Lease) -> [Owner] {
        lease.term == .permanent ? [] : owners(lease.holder, session: lease.session)
    }

    private static func owners(_ holder: LeaseHolder, session: UInt64?) -> [Owner] {
        var owners: [Owner] = []
        // The same uid in another container is another user, so a uid owns leases only in the agent's PID namespace.
        if holder.sharesNamespace { owners.append(.user(holder.uid)) }
        if let session { owners.append(.session(session)) }
        if let process = holder.process { owners.append(.process(process)) }
        return owners
    }
}
