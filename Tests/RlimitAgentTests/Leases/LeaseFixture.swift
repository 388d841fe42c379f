import RlimitKernel
import RlimitModel
import RlimitPolicy

@testable import RlimitAgent

/// One scripted process, a request handler that grants it leases, and a clock that the test moves.
struct LeaseFixture: ~Copyable {
    let script = Script()
    let log = CapturedLog()
    private let sink: LogSink
    var handler: RequestHandler
    let peer: Peer

    /// uid 1000 may get leases up to 65536 for its own processes, for an hour at most, and permanent limits up to
    /// 20000.
    static let policy = Policy(
        allows: [
            AllowRule(
                name: "leased", caller: CallerPattern(CallerKeys(users: IDSet(1000))),
                ceilings: Ceilings([.openFiles: 65536, .coreFileSize: 65536, .cpuTime: 65536]),
                lease: LeaseTerms(maxDuration: .seconds(3600))),
            AllowRule(
                name: "lowered", caller: CallerPattern(CallerKeys(users: IDSet(1000))),
                ceilings: Ceilings([.openFiles: 20000]), mayLower: true),
        ], quota: Quota(leases: 100))

    init(
        policy: Policy = Self.policy, peer: Peer = Peer(pid: 100, uid: 1000, gid: 1000),
        store: consuming LeaseStore? = nil
    ) {
        self.peer = peer
        let sink = LogSink(format: .text) { [log] bytes in log.take(bytes) }
        self.sink = sink
        let facts = AgentFacts(pid: 5, kernelRelease: "6.1", openFilesCeiling: 1_000_000, canRaise: true, features: [])
        let journal: LeaseJournal
        if let store { journal = LeaseJournal(store) } else { journal = LeaseJournal() }
        handler = RequestHandler(policy: policy, facts: facts, audit: AuditLog(sink: sink), leases: journal)
    }

    func flush() { sink.flush() }

    var text: String {
        flush()
        return log.text
    }

    func requester(_ peer: Peer? = nil, session: UInt64 = 1) -> LeaseRequester {
        let peer = peer ?? self.peer
        return LeaseRequester(
            peer, process: peer.pid.map { ProcessIdentity(pid: $0, .inode(1)) }, session: session,
            policy: handler.policy)
    }

    mutating func set(
        _ edits: [NumericEdit], _ term: LeaseTerm?, session: UInt64 = 1
    ) throws(RlimitError) -> (changes: [Change], lease: LeaseInfo?) {
        let request = Request(id: 1, .set(.caller, EditBatch(edits), lease: term))
        let reply = try handler.handle(
            request, from: peer, on: ScriptedProcess(script: script), isPeer: true,
            requester: requester(session: session))
        guard case .changes(let changes, let lease) = reply else { throw RlimitError(.internalError) }
        return (changes, lease)
    }

    mutating func grantLease(
        _ edit: NumericEdit, _ term: LeaseTerm, session: UInt64 = 1
    ) throws(RlimitError) -> LeaseInfo {
        guard let lease = try set([edit], term, session: session).lease else { throw RlimitError(.internalError) }
        return lease
    }

    mutating func ask(_ operation: Request.Operation, as requester: LeaseRequester? = nil) throws(RlimitError) -> Reply
    {
        let request = Request(id: 1, operation)
        _ = try handler.leases.process(ofLeaseIn: request)
        return try handler.handle(
            request, from: requester ?? self.requester(), on: ScriptedProcess(script: script),
            isPeer: requester.map { $0.peer.pid == peer.pid } ?? true)
    }

    mutating func release(_ id: LeaseInfo.ID, as requester: LeaseRequester? = nil) throws(RlimitError) -> [Restoration]
    {
        guard case .restorations(let restorations) = try ask(.leaseRelease(id), as: requester) else {
            throw RlimitError(.internalError)
        }
        return restorations
    }

    /// Moves the clock, and ends the leases that are due.
    mutating func pass(_ time: Duration) {
        handler.leases.clockAhead += time
        while let due = handler.leases.nextExpired() {
            _ = handler.leases.restoreLimits(due.id, on: ScriptedProcess(script: script))
        }
    }
}
