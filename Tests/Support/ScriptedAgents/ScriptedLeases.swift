import Glibc
package import RlimitModel
import Synchronization

/// The leases of a scripted agent. It grants every request for a lease and changes no limit. Several agents can share
/// one of these, as agents share a state folder.
package final class ScriptedLeases: Sendable {
    private struct State {
        var grants: UInt8 = 0
        var leases: [LeaseInfo.ID: (info: LeaseInfo, term: LeaseTerm)] = [:]
    }

    /// The default limits of every resource of every process.
    package static let now = Limit(soft: 100, hard: 200)

    private let now: Limit
    private let pid: Int32
    private let maxDuration: Duration?
    private let state = Mutex(State())

    /// - Parameters:
    ///   - now: The limits of every resource of every process.
    ///   - pid: The process of every lease; by default this one.
    ///   - maxDuration: The time that a lease without a duration lasts unless it is renewed, as a rule's `lease.max`
    ///   sets it.
    package init(now: Limit = ScriptedLeases.now, pid: Int32? = nil, maxDuration: Duration? = nil) {
        self.now = now
        self.pid = pid ?? getpid()
        self.maxDuration = maxDuration
    }

    /// The id of the n-th grant, counted from 1.
    package static func id(_ number: UInt8) -> LeaseInfo.ID { LeaseInfo.ID(bytes: [0xab, number]) }

    /// The leases that were granted and have not ended, in the order of their ids.
    package var live: [LeaseInfo] {
        state.withLock { state in state.leases.values.map(\.info).sorted { "\($0.id)" < "\($1.id)" } }
    }

    /// The last term that was requested for each live lease.
    package var terms: [LeaseInfo.ID: LeaseTerm] { state.withLock { $0.leases.mapValues(\.term) } }

    /// Ends all leases. Clients learn this from their next request.
    package func endAll() { state.withLock { $0.leases = [:] } }

    /// Answers the requests of a connection until the client closes it.
    package func serve(_ session: ScriptedSession) throws { try session.answer(answer) }

    package func answer(_ request: Request) -> Result<Reply, RlimitError> {
        state.withLock { answer(request, &$0) }
    }

    private func answer(_ request: Request, _ state: inout State) -> Result<Reply, RlimitError> {
        let ended = RlimitError(.leaseEnded, message: "there is no such lease")
        switch request.operation {
        case .set(_, let batch, .some) where request.isExplain:
            let verdicts = batch.map {
                Explanation.Verdict($0.resource, now: now, rule: "leases", new: $0.applied(to: now))
            }
            return .success(.explanation(Explanation(verdicts: verdicts)))
        case .set(_, let batch, let term?):
            state.grants += 1
            let changes = batch.map {
                Change($0.resource, old: now, new: $0.applied(to: now), grantedBy: .agent(rule: "leases"))
            }
            let id = Self.id(state.grants)
            let lease = LeaseInfo(id: id, pid: pid, changes: changes, remaining: remaining(term), rule: "leases")
            state.leases[id] = (lease, term)
            return .success(.changes(changes, lease: lease))
        case .leaseRenew(let id, let term):
            guard var lease = state.leases[id]?.info else { return .failure(ended) }
            lease.remaining = remaining(term)
            state.leases[id] = (lease, term)
            return .success(.lease(lease))
        case .leaseRelease(let id):
            guard let lease = state.leases.removeValue(forKey: id)?.info else { return .failure(ended) }
            return .success(.restorations(restorations(lease.changes)))
        case .leaseList:
            return .success(.leases(state.leases.values.map(\.info).sorted { "\($0.id)" < "\($1.id)" }))
        default: return .success(.limits(.all, Limits(repeating: now)))
        }
    }

    private func remaining(_ term: LeaseTerm) -> Duration? {
        if case .duration(let duration) = term { duration } else { maxDuration }
    }

    // A different outcome for each change, the first of them restored.
    private func restorations(_ changes: [Change]) -> [Restoration] {
        let outcomes: [Restoration.Outcome] = [
            .restored, .heldByAnotherLease, .changedByTarget, .identityChanged, .processEnded,
        ]
        return zip(changes, outcomes).map { change, outcome in
            Restoration(change.resource, outcome, limit: outcome == .processEnded ? nil : change.old)
        }
    }
}

extension ScriptedAgent {
    /// An agent that grants leases.
    package convenience init(
        takingOver other: ScriptedAgent? = nil, isSerial: Bool = false, _ leases: ScriptedLeases
    ) throws {
        try self.init(takingOver: other, isSerial: isSerial) { session in try leases.serve(session) }
    }
}
