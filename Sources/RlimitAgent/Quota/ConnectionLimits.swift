/// The maximum number of connections, and the parts of it that are reserved.
struct ConnectionLimits {
    /// All connections.
    let all: Int
    /// Connections that only administrators may use.
    let reserve: Int
    /// Connections shared by all callers with an unknown container.
    let unknownContainer: Int

    init(all: Int) {
        self.all = all
        reserve = all / 16
        unknownContainer = max(1, all / 4)
    }

    /// The number of further connections that are possible besides the present ones.
    func availableConnections(besides connectedCount: Int, administrator: Bool) -> Int {
        max(0, (administrator ? all : all - reserve) - connectedCount)
    }
}
