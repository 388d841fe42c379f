import RlimitModel
import ScriptedAgents

/// An agent that grants leases and serves one connection at a time. All limits are 1000, and no change has an effect.
struct LeaseAgent {
    private let leases: ScriptedLeases
    private let agent: ScriptedAgent
    var path: String { agent.path }
    /// The requested operations, in order.
    var requests: [Request.Operation] { agent.requests.map(\.request.operation) }
    var live: [LeaseInfo] { leases.live }

    static let now = Limit(1000)

    static func id(_ number: UInt8) -> LeaseInfo.ID { ScriptedLeases.id(number) }

    /// - Parameters:
    ///   - pid: The process of every lease.
    ///   - maxDuration: The time that a lease without a duration lasts unless it is renewed, as a rule's `lease.max`
    ///   sets it.
    init(pid: Int32? = nil, maxDuration: Duration? = nil) throws {
        leases = ScriptedLeases(now: Self.now, pid: pid, maxDuration: maxDuration)
        agent = try ScriptedAgent(isSerial: true, leases)
    }

    /// Ends all leases. Clients learn this from their next request.
    func endAll() { leases.endAll() }
}
