import RlimitKernel

/// The usage of all tenants that are connected, or were within the last second. A tenant that reconnects within this
/// time gets its old token bucket.
struct TenantTable {
    private var usageByTenant: [Tenant: TenantUsage] = [:]
    // Tenants without a connection, each once, in the order in which they are checked for removal.
    private var departed: [(tenantUsage: TenantUsage, checkAt: BootInstant)] = []
    private var unknownContainerConnections = 0
    /// The number of tenants with connections.
    private(set) var connectedCount = 0

    /// How long a tenant is kept after its last connection. By then its bucket is full again, so the removal loses
    /// nothing.
    private static let retention: Duration = .seconds(1)

    /// Adds a connection of a tenant.
    ///
    /// - Returns: nil if the tenant has reached its limit.
    mutating func addConnection(
        _ tenant: Tenant, limit: Int, unknownContainerLimit: Int = .max, ratePerSecond: Int, now: BootInstant
    ) -> TenantUsage? {
        removeExpired(now: now)
        if tenant.isUnknownContainer, unknownContainerConnections >= unknownContainerLimit { return nil }
        let tenantUsage = usageByTenant[tenant] ?? TenantUsage(tenant, ratePerSecond: ratePerSecond, now: now)
        guard tenantUsage.connections < limit else { return nil }
        if tenantUsage.connections == 0 { connectedCount += 1 }
        tenantUsage.connections += 1
        if tenant.isUnknownContainer { unknownContainerConnections += 1 }
        usageByTenant[tenant] = tenantUsage
        return tenantUsage
    }

    /// The usage of a tenant that is connected, or was within the last second.
    subscript(tenant: Tenant) -> TenantUsage? { usageByTenant[tenant] }

    mutating func removeConnection(_ tenantUsage: TenantUsage, now: BootInstant) {
        tenantUsage.connections -= 1
        if tenantUsage.tenant.isUnknownContainer { unknownContainerConnections -= 1 }
        guard tenantUsage.connections == 0 else { return }
        connectedCount -= 1
        // A tenant that reconnected and left again is in the queue already. `departedAt` decides when it is removed.
        if tenantUsage.departedAt == nil { departed.append((tenantUsage, now + Self.retention)) }
        tenantUsage.departedAt = now
    }

    private mutating func removeExpired(now: BootInstant) {
        let due = departed.prefix { $0.checkAt <= now }
        guard !due.isEmpty else { return }
        departed.removeFirst(due.count)
        for (tenantUsage, _) in due {
            guard tenantUsage.connections == 0, let since = tenantUsage.departedAt else {
                tenantUsage.departedAt = nil
                continue
            }
            if now - since >= Self.retention {
                usageByTenant[tenantUsage.tenant] = nil
            } else {
                departed.append((tenantUsage, now + Self.retention))
            }
        }
    }
}
