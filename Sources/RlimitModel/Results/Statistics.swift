/// What the agent has done since it started.
public struct Statistics: Hashable, Sendable {
    /// Connections open now.
    public var connections: UInt64 = 0
    /// Connections accepted.
    public var acceptedConnections: UInt64 = 0
    /// Requests answered, refusals included.
    public var requests: UInt64 = 0
    /// Limits changed.
    public var changes: UInt64 = 0
    /// Requests that policy or the kernel refused.
    public var refusals: UInt64 = 0
    /// Connections closed for not speaking the protocol.
    public var faults: UInt64 = 0
    /// Leases that are live.
    public var leases: UInt64 = 0
    /// Time since start.
    public var uptime: Duration = .zero

    package init() {}
}
