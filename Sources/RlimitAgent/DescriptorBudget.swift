/// What the agent's descriptors are for.
///
/// A connection takes its socket, and its process where the kernel cannot give that again. Whatever else is held for connections
/// is there for speed, and may be as much as is left: where it runs short, sessions give it up.
struct DescriptorBudget {
    /// Processes that have leases, at most.
    let leases: Int
    /// Errands under way at once, at most.
    let errands: Int
    /// For connections and what is held for them, and for processes that have leases.
    private let shared: Int
    // So much is left to be held for connections, however many there are.
    private let spare: Int
    // What a connection cannot give up.
    private let perConnection: Int

    /// What the agent itself keeps open, with room for what is opened to be looked at.
    private static let own = 64

    /// - Parameter canRegainPeers: The kernel gives the process at the other end of a socket at any time (Linux 6.5).
    init(descriptors: Int, canRegainPeers: Bool) {
        leases = descriptors / 16
        errands = min(32, max(1, descriptors / 4 / CgroupErrand.greatestDescriptors))
        shared = descriptors - Self.own - errands * CgroupErrand.greatestDescriptors
        spare = descriptors / 16
        perConnection = canRegainPeers ? 1 : 2
    }

    /// Connections, at most.
    var connections: Int { max(1, (shared - leases - spare) / perConnection) }

    /// Descriptors of peers that wait for the rest of their frames, at most: they cannot be had again.
    var attachments: Int { max(1, spare / 2) }

    /// How many descriptors may be held beside so many sockets.
    func room(besides sockets: Int) -> Int { shared - sockets }

    /// How many are given up at once, where it runs short.
    var batch: Int { max(1, spare / 8) }

    /// What a tenant may hold and need not give up for others. Those of all tenants leave room for a batch; so whenever there is
    /// less, somebody holds more.
    func share(besides sockets: Int, tenants: Int) -> Int {
        max(0, shared - sockets * perConnection - leases - attachments - batch - 1) / max(1, tenants)
    }
}
