/// Counters of the agent since its start.
public struct Statistics: Hashable, Sendable {
    /// Currently open connections.
    public var connections: UInt64 = 0
    /// Accepted connections.
    public var acceptedConnections: UInt64 = 0
    /// Answered requests, including refused ones.
    public var requests: UInt64 = 0
    /// Changed limits.
    public var changes: UInt64 = 0
    /// Requests that policy or the kernel refused.
    public var refusals: UInt64 = 0
    /// Connections closed because of malformed bytes.
    public var faults: UInt64 = 0
    /// Current leases.
    public var leases: UInt64 = 0
    /// Time since the start.
    public var uptime: Duration = .zero

    package init() {}
}
