import RlimitKernel
import RlimitModel
import RlimitPolicy

/// Decides whether a peer may have another connection, and counts connections and group lists by tenant.
struct ConnectionQuota {
    private let limits: ConnectionLimits
    private var tenants = TenantTable()
    private var groupBudget = GroupBudget()
    // For tenants that have no connection.
    private var rejectionBucket: TokenBucket?

    init(maxConnections: Int) { limits = ConnectionLimits(all: maxConnections) }

    /// The number of tenants with connections.
    var tenantCount: Int { tenants.connectedCount }

    /// Reserves a connection, and replaces the peer's group list by an equal one in shared memory.
    ///
    /// - Parameters:
    ///   - connections: The number of connections.
    ///   - openSockets: The number of sockets that are open, including those of ended connections.
    /// - Throws: `.quotaExceeded`.
    mutating func reserve(
        for peer: inout Peer, connections: Int, openSockets: Int, _ policy: Policy, now: BootInstant
    ) throws(RlimitError) -> TenantUsage {
        let available = limits.availableConnections(
            besides: openSockets, administrator: policy.isAdministrator(peer))
        guard available > 0 else {
            throw RlimitError(
                .quotaExceeded,
                message: "the agent has \(connections) connections and no room for another one of this caller")
        }
        // At most as many as remain free: a tenant can use up half of the connections, and the next tenant half of the
        // rest.
        let limit = min(policy.quota.connections, available)
        let tenantUsage = tenants.addConnection(
            Tenant(peer, policy), limit: limit, unknownContainerLimit: limits.unknownContainer,
            ratePerSecond: policy.quota.requestsPerSecond, now: now)
        guard let tenantUsage else { throw .tooManyConnections(uid: peer.uid, limit: limit) }
        guard let groups = tenantUsage.groups.intern(peer.groups, within: &groupBudget) else {
            tenants.removeConnection(tenantUsage, now: now)
            throw RlimitError(
                .quotaExceeded, message: "the connections of uid \(peer.uid) have too many groups that differ")
        }
        peer.groups = groups
        return tenantUsage
    }

    /// Takes a token for the answer to a rejected connection: one of the tenant, or one that all tenants without a
    /// connection share.
    ///
    /// - Returns: Whether the connection is answered. Otherwise it is closed without an answer, which costs less.
    mutating func takeRejectionToken(for tenant: Tenant, _ policy: Policy, now: BootInstant) -> Bool {
        let rate = policy.quota.requestsPerSecond
        if let tenantUsage = tenants[tenant] { return tenantUsage.takeRejectionToken(ratePerSecond: rate, now: now) }
        var bucket = rejectionBucket ?? TokenBucket(ratePerSecond: rate, now: now)
        defer { rejectionBucket = bucket }
        return bucket.takeToken(ratePerSecond: rate, now: now) == nil
    }

    /// Releases the connection of an ended session.
    mutating func release(_ session: Session, now: BootInstant) {
        session.tenantUsage.groups.release(session.peer.groups, to: &groupBudget)
        tenants.removeConnection(session.tenantUsage, now: now)
    }
}
