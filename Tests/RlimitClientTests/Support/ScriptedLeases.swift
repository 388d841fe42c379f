import Glibc
import RlimitModel
import RlimitWire
import Synchronization

@testable import RlimitClient

/// The leases of a scripted agent, and of the one that takes over from it. It grants every lease, with ascending ids.
final class ScriptedLeases: Sendable {
    private struct State {
        var count: UInt8 = 0
        var live: [LeaseInfo.ID: LeaseTerm] = [:]
    }

    private let state = Mutex(State())
    /// The maximum time without a renewal, as of a rule's `lease.max`.
    private let maxDuration: Duration?

    init(maxDuration: Duration? = nil) { self.maxDuration = maxDuration }

    static let now = Limit(soft: 100, hard: 200)

    static func id(_ number: UInt8) -> LeaseInfo.ID { LeaseInfo.ID(bytes: [0xab, number]) }

    /// The leases that have not ended.
    var live: [LeaseInfo.ID: LeaseTerm] { state.withLock(\.live) }

    /// Ends all leases without telling the client.
    func endAll() { state.withLock { $0.live = [:] } }

    /// Answers until the client closes the connection.
    func serve(_ session: ScriptedSession) throws {
        while let request = try session.next() { session.send(Response(id: request.id, answer(request))) }
    }

    func answer(_ request: Request) -> Result<Reply, RlimitError> {
        switch request.operation {
        case .set(_, let batch, let term?):
            let id = state.withLock { state in
                state.count += 1
                state.live[Self.id(state.count)] = term
                return Self.id(state.count)
            }
            let changes = batch.map {
                Change($0.resource, old: Self.now, new: $0.applied(to: Self.now), grantedBy: .agent(rule: "leases"))
            }
            return .success(.changes(changes, lease: info(id, term)))
        case .leaseRenew(let id, let term):
            guard state.withLock({ $0.live.updateValue(term, ifThere: id) }) else { return Self.ended }
            return .success(.lease(info(id, term)))
        case .leaseRelease(let id):
            guard state.withLock({ $0.live.removeValue(forKey: id) }) != nil else { return Self.ended }
            return .success(.restorations([Restoration(.openFiles, .restored, limit: Self.now)]))
        case .leaseList: return .success(.leases(live.map { info($0.key, $0.value) }))
        default: return .success(.limits(.all, Limits(repeating: Self.now)))
        }
    }

    private static let ended = Result<Reply, RlimitError>.failure(
        RlimitError(.leaseEnded, message: "there is no such lease"))

    private func info(_ id: LeaseInfo.ID, _ term: LeaseTerm) -> LeaseInfo {
        switch term {
        case .connection: LeaseInfo(id: id, pid: getpid(), remaining: maxDuration, rule: "leases")
        case .duration(let duration): LeaseInfo(id: id, pid: getpid(), remaining: duration, rule: "leases")
        }
    }
}

extension [LeaseInfo.ID: LeaseTerm] {
    fileprivate mutating func updateValue(_ term: LeaseTerm, ifThere id: LeaseInfo.ID) -> Bool {
        guard self[id] != nil else { return false }
        self[id] = term
        return true
    }
}

extension ScriptedAgent {
    /// An agent that grants leases by a script.
    convenience init(takingOver other: ScriptedAgent? = nil, _ script: ScriptedLeases) throws {
        try self.init(takingOver: other) { session in try script.serve(session) }
    }

    /// The operations about leases, in order.
    var leaseRequests: [Request.Operation] {
        requests.map(\.request.operation).filter { operation in
            switch operation {
            case .set, .leaseRenew, .leaseRelease, .leaseList: true
            default: false
            }
        }
    }

    /// Waits until the agent has received the operation this many times; false after two minutes.
    func hasBeenAsked(_ operation: Request.Operation, times count: Int = 1) async -> Bool {
        let end = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < end {
            if leaseRequests.count(where: { $0 == operation }) >= count { return true }
            try? await Task.sleep(for: .milliseconds(2))
        }
        return false
    }
}
