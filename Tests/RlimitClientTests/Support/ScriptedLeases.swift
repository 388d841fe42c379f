import Glibc
import RlimitModel
import RlimitWire
import Synchronization

@testable import RlimitClient

/// What a scripted agent knows of leases, also when another takes over: it grants what it is asked for, under numbers.
final class ScriptedLeases: Sendable {
    private struct State {
        var count: UInt8 = 0
        var live: [LeaseInfo.ID: LeaseTerm] = [:]
    }

    private let state = Mutex(State())
    /// How long a lease without a duration goes without being renewed, as a rule's `lease.max` has it.
    private let maxDuration: Duration?

    init(maxDuration: Duration? = nil) { self.maxDuration = maxDuration }

    static let now = Limit(soft: 100, hard: 200)

    static func id(_ number: UInt8) -> LeaseInfo.ID { LeaseInfo.ID(bytes: [0xab, number]) }

    /// Those that were granted and have not ended.
    var live: [LeaseInfo.ID: LeaseTerm] { state.withLock(\.live) }

    /// All end, and nobody is told.
    func endAll() { state.withLock { $0.live = [:] } }

    /// Answers until the client hangs up.
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
    /// An agent who grants leases by a script.
    convenience init(takingOver other: ScriptedAgent? = nil, _ script: ScriptedLeases) throws {
        try self.init(takingOver: other) { session in try script.serve(session) }
    }

    /// What was asked about leases, in order.
    var leaseRequests: [Request.Operation] {
        requests.map(\.request.operation).filter { operation in
            switch operation {
            case .set, .leaseRenew, .leaseRelease, .leaseList: true
            default: false
            }
        }
    }

    /// Waits until that many of these were asked; false where that takes ten seconds.
    func hasBeenAsked(_ operation: Request.Operation, times count: Int = 1) async -> Bool {
        for _ in 0..<5000 {
            if leaseRequests.count(where: { $0 == operation }) >= count { return true }
            try? await Task.sleep(for: .milliseconds(2))
        }
        return false
    }
}
