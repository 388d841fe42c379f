/// Divides the agent's descriptors among their uses.
///
/// A connection needs a descriptor for its socket, and one for its process if the kernel cannot return that again. The
/// agent holds all other descriptors of connections for speed only, in what is left of the budget. When that runs
/// short, sessions give them up.
struct DescriptorBudget {
    /// The maximum number of processes with leases.
    let maxLeasedProcesses: Int
    /// The maximum number of long requests under way at once.
    let maxLongRequests: Int
    /// For connections and what is held for them, and for processes with leases.
    private let shared: Int
    // What is left for the cache at the maximum number of connections.
    private let cacheReserve: Int
    // The number of descriptors that a connection cannot give up.
    private let perConnection: Int

    /// What the agent itself keeps open, with room for files that it opens for a short time.
    private static let reservedForAgent = 64

    /// - Parameter canReopenPeers: Whether the kernel returns the process of a peer at any time (Linux 6.5).
    init(descriptors: Int, canReopenPeers: Bool) {
        maxLeasedProcesses = descriptors / 16
        maxLongRequests = min(32, max(1, descriptors / 4 / CgroupRequest.maxDescriptors))
        shared = descriptors - Self.reservedForAgent - maxLongRequests * CgroupRequest.maxDescriptors
        cacheReserve = descriptors / 16
        perConnection = canReopenPeers ? 1 : 2
    }

    /// The maximum number of connections.
    var maxConnections: Int { max(1, (shared - maxLeasedProcesses - cacheReserve) / perConnection) }

    /// The maximum number of descriptors of peers that wait for the rest of their frames. The agent cannot open these
    /// again.
    var maxReceivedDescriptors: Int { max(1, cacheReserve / 2) }

    /// The number of descriptors that may be held besides this number of sockets.
    func cacheCapacity(besides sockets: Int) -> Int { shared - sockets }

    /// The number of descriptors that are given up at once when they run short.
    var evictionBatch: Int { max(1, cacheReserve / 8) }

    /// The number of descriptors that a tenant never gives up for others. The shares of all tenants leave room for one
    /// batch, so when there is less room than that, at least one tenant holds more than its share.
    func fairShare(besides sockets: Int, tenants: Int) -> Int {
        max(0, shared - sockets * perConnection - maxLeasedProcesses - maxReceivedDescriptors - evictionBatch - 1)
            / max(1, tenants)
    }
}
