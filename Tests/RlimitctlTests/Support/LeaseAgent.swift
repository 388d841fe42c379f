import Foundation
import RlimitModel
import Synchronization

/// An agent that grants leases without changing limits. It reports 1000 as every old limit.
final class LeaseAgent: Sendable {
    private struct State {
        var live: [LeaseInfo.ID: LeaseInfo] = [:]
        var requests: [Request.Operation] = []
    }

    private final class Storage: Sendable {
        let state = Mutex(State())
    }

    private let storage = Storage()
    private let agent: ScriptedAgent
    var socket: String { agent.socket }
    /// The operations of the requests, in order.
    var requests: [Request.Operation] { storage.state.withLock(\.requests) }
    var live: [LeaseInfo] { storage.state.withLock { $0.live.values.sorted { "\($0.id)" < "\($1.id)" } } }

    static let now = Limit(1000)

    static func id(_ number: UInt8) -> LeaseInfo.ID { LeaseInfo.ID(bytes: [0xab, number]) }

    /// - Parameters:
    ///   - pid: The pid in the reported leases.
    ///   - maxDuration: The time until a lease without a time must be renewed, as with a rule's `lease.max`.
    init(pid: Int32? = nil, maxDuration: Duration? = nil) throws {
        let storage = storage
        agent = try ScriptedAgent { request in
            storage.state.withLock { state in
                state.requests.append(request.operation)
                return Self.answer(request, &state, pid, maxDuration)
            }
        }
    }

    /// Ends all leases without an event to the holders.
    func endAll() { storage.state.withLock { $0.live = [:] } }

    private static func answer(
        _ request: Request, _ state: inout State, _ pid: Int32?, _ maxDuration: Duration?
    ) -> Result<Reply, RlimitError> {
        let unknown = RlimitError(.leaseEnded, message: "there is no such lease")
        func remaining(_ term: LeaseTerm) -> Duration? {
            if case .duration(let time) = term { time } else { maxDuration }
        }
        switch request.operation {
        case .set(_, let batch, .some) where request.isExplain:
            let verdicts = batch.map {
                Explanation.Verdict($0.resource, now: now, rule: "leases", new: $0.applied(to: now))
            }
            return .success(.explanation(Explanation(verdicts: verdicts)))
        case .set(_, let batch, let term?):
            let changes = batch.map {
                Change($0.resource, old: now, new: $0.applied(to: now), grantedBy: .agent(rule: "leases"))
            }
            let id = id(UInt8(state.live.count + 1))
            let lease = LeaseInfo(id: id, pid: pid, changes: changes, remaining: remaining(term), rule: "leases")
            state.live[id] = lease
            return .success(.changes(changes, lease: lease))
        case .leaseRenew(let id, let term):
            guard var lease = state.live[id] else { return .failure(unknown) }
            lease.remaining = remaining(term)
            state.live[id] = lease
            return .success(.lease(lease))
        case .leaseRelease(let id):
            guard let lease = state.live.removeValue(forKey: id) else { return .failure(unknown) }
            let outcomes: [Restoration.Outcome] = [
                .restored, .heldByAnotherLease, .changedByTarget, .identityChanged, .processEnded,
            ]
            return .success(
                .restorations(
                    zip(lease.changes, outcomes).map { change, outcome in
                        Restoration(change.resource, outcome, limit: outcome == .processEnded ? nil : change.old)
                    }))
        case .leaseList: return .success(.leases(state.live.values.sorted { "\($0.id)" < "\($1.id)" }))
        default: return .success(.limits(.all, Limits(repeating: now)))
        }
    }
}
