/// What the agent's descriptors are for.
///
/// A connection takes its socket, and its process where the kernel cannot give that again. Whatever else is held for connections
/// is there for speed, and may be as much as is left: where it runs short, sessions give it up.
struct DescriptorBudget {
    /// Processes that have leases, at most.
    let maxLeasedProcesses: Int
    /// Errands under way at once, at most.
    let maxLongRequests: Int
    /// For connections and what is held for them, and for processes that have leases.
    private let shared: Int
    // So much is left to be held for connections, however many there are.
    private let cacheReserve: Int
    // What a connection cannot give up.
    private let perConnection: Int

    /// What the agent itself keeps open, with room for what is opened to be looked at.
    private static let reservedForAgent = 64

    /// - Parameter canRegainPeers: The kernel gives the process at the other end of a socket at any time (Linux 6.5).
    init(descriptors: Int, canReopenPeers: Bool) {
        maxLeasedProcesses = descriptors / 16
        maxLongRequests = min(32, max(1, descriptors / 4 / CgroupRequest.maxDescriptors))
        shared = descriptors - Self.reservedForAgent - maxLongRequests * CgroupRequest.maxDescriptors
        cacheReserve = descriptors / 16
        perConnection = canReopenPeers ? 1 : 2
    }

    /// Connections, at most.
    var maxConnections: Int { max(1, (shared - maxLeasedProcesses - cacheReserve) / perConnection) }

    /// Descriptors of peers that wait for the rest of their frames, at most: they cannot be had again.
    var maxReceivedDescriptors: Int { max(1, cacheReserve / 2) }

    /// How many descriptors may be held beside so many sockets.
    func cacheCapacity(besides sockets: Int) -> Int { shared - sockets }

    /// How many are given up at once, where it runs short.
    var evictionBatch: Int { max(1, cacheReserve / 8) }

    /// What a tenant may hold and need not give up for others. Those of all tenants leave room for a batch; so whenever there is
    /// less, somebody holds more.
    func fairShare(besides sockets: Int, tenants: Int) -> Int {
        max(0, shared - sockets * perConnection - maxLeasedProcesses - maxReceivedDescriptors - evictionBatch - 1)
            / max(1, tenants)
    }
}
