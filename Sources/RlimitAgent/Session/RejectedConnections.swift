import RlimitKernel

/// Rejected connections whose peers have not read the reason. The kernel keeps the reason until then, in memory of the
/// agent's cgroup. A peer that connects again and again without reading is therefore not told the reason any more.
struct RejectedConnections {
    private var connections: [Connection] = []

    private final class Connection {
        let socket: StreamSocket
        let tenant: Tenant

        init(_ socket: consuming StreamSocket, _ tenant: Tenant) {
            self.socket = socket
            self.tenant = tenant
        }
    }

    private static let maxCount = 64
    private static let maxCountOfTenant = 8

    var count: Int { connections.count }
    var isEmpty: Bool { connections.isEmpty }

    /// Whether a tenant's next rejected connection may be told the reason.
    mutating func hasRoom(for tenant: Tenant) -> Bool {
        if !isFull(for: tenant) { return true }
        removeFinished()
        return !isFull(for: tenant)
    }

    private func isFull(for tenant: Tenant) -> Bool {
        connections.count >= Self.maxCount
            || connections.count { $0.tenant == tenant } >= Self.maxCountOfTenant
    }

    /// Keeps a connection until its peer has read the reason. The peer sees the end of the stream at once.
    mutating func append(_ socket: consuming StreamSocket, of tenant: Tenant) {
        socket.shutDown()
        connections.append(Connection(socket, tenant))
    }

    /// Closes the connections whose peers have read the reason.
    mutating func removeFinished() { connections.removeAll { $0.socket.unreadMemory == 0 } }
}
