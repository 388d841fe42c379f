/// The share of the agent's capacity for one tenant: a uid, or a container cgroup for callers in other PID namespaces.
package struct Quota: Hashable, Sendable {
    package var connections: Int
    package var requestsPerSecond: Int
    package var leases: Int

    package init(connections: Int = 64, requestsPerSecond: Int = 1000, leases: Int = 32) {
        self.connections = connections
        self.requestsPerSecond = requestsPerSecond
        self.leases = leases
    }
}
