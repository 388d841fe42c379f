import RlimitKernel
import RlimitModel

/// Which leases may be whose own: so that what somebody asks about theirs costs as much as they have, however many others have.
struct LeaseOwners {
    private enum Owner: Hashable {
        case session(UInt64)
        case process(ProcessIdentity)
        case user(UInt32)
    }

    private var owned: [Owner: Set<LeaseInfo.ID>] = [:]

    /// All that are an asker's own, and some more.
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

    /// A lease is not held by this connection any more.
    mutating func remove(_ id: LeaseInfo.ID, session: UInt64) { remove(id, from: .session(session)) }

    /// A connection has closed.
    mutating func removeAll(session: UInt64) -> Set<LeaseInfo.ID> { owned.removeValue(forKey: .session(session)) ?? [] }

    private mutating func remove(_ id: LeaseInfo.ID, from owner: Owner) {
        owned[owner]?.remove(id)
        if owned[owner]?.isEmpty == true { owned[owner] = nil }
    }

    // What was given for good is nobody's.
    private static func owners(of lease: Lease) -> [Owner] {
        lease.term == .permanent ? [] : owners(lease.holder, session: lease.session)
    }

    private static func owners(_ holder: LeaseHolder, session: UInt64?) -> [Owner] {
        var owners: [Owner] = []
        // In a container a user owns nothing, and may have as many namesakes as there are containers.
        if holder.sharesNamespace { owners.append(.user(holder.uid)) }
        if let session { owners.append(.session(session)) }
        if let process = holder.process { owners.append(.process(process)) }
        return owners
    }
}
