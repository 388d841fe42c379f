import Glibc
import ControlledProcesses
import RlimitKernel
import RlimitModel
import RlimitPolicy
import Testing

@testable import RlimitAgent

/// Forced races between the end of a lease and a change of its process: before and after each step of the restoration,
/// on the real kernel and with real setuid programs.
@Suite(
    "Forced races at the end of leases", .serialized,
    .enabled(if: RootLimits.mayRaise, "needs CAP_SYS_RESOURCE: scripts/test runs it in user-mode-linux"))
struct ForcedLeaseRaceNeedsCapability {
    private static let alice = Credentials(uid: 64_001, gid: 64_001)
    private static let root = Credentials(uid: 0, gid: 0)
    private static let start = Limit(soft: 1000, hard: 4000)
    private static let leased = Limit(soft: 5000, hard: 8000)
    /// The limits of a process that takes over a pid: equal to the leased limits, so that they look leased.
    private static let successor = leased

    enum Event: CaseIterable { case executesSetuidProgram, numberGoesToRoot }

    private let spawner: ControlledProcess
    private let program: SetuidControlledProgram
    private let policy = Policy(
        allows: [
            AllowRule(
                name: "leased", caller: CallerPattern(CallerKeys(users: IDSet(alice.realUID))),
                ceilings: Ceilings([.openFiles: 10_000]))
        ])

    init() throws {
        spawner = try ControlledProcess.spawner()
        program = try SetuidControlledProgram()
    }

    private func handler() -> RequestHandler {
        let facts = AgentFacts(
            pid: getpid(), kernelRelease: "", openFilesCeiling: 1_000_000, canRaise: true, features: [])
        return RequestHandler(
            policy: policy, facts: facts, audit: AuditLog(sink: LogSink(format: .text) { bytes in bytes.count }))
    }

    private func grantLease(_ target: ControlledProcess, _ handler: inout RequestHandler) throws -> LeaseInfo {
        let peer = Peer(pid: nil, uid: Self.alice.realUID, gid: Self.alice.realGID)
        let requester = LeaseRequester(peer, process: nil, session: 1, policy: policy)
        let edit = NumericEdit(.openFiles, soft: Self.leased.soft, hard: Self.leased.hard)
        let request = Request(id: 1, .set(.pid(target.pid), EditBatch([edit]), lease: .connection))
        let reply = try handler.handle(
            request, from: peer, on: LinuxProcess(pid: target.pid), isPeer: false, requester: requester)
        guard case .changes(_, let lease?) = reply else { throw Unexpected() }
        return lease
    }

    /// - Returns: The outcome, the limit afterwards, and the calls of the agent.
    private func attempt(
        _ event: Event?, at place: InterceptionPoint.Place?
    ) throws -> (outcome: Restoration.Outcome, after: Limit, calls: [String]) {
        let target = try spawner.spawn(Self.alice)
        try RootLimits.set(.openFiles, of: target.pid, to: Self.start)
        var handler = handler()
        let lease = try grantLease(target, &handler)
        var successor: ControlledProcess?
        let interception = InterceptionPoint()
        interception.place = place
        interception.event = {
            switch event {
            case .executesSetuidProgram:
                try target.execute(program.path)
                guard try target.executionResult().effectiveUID == 0 else { throw Unexpected() }
            case .numberGoesToRoot:
                let number = target.pid
                try spawner.reap(target)
                successor = try spawner.spawn(Self.root, number: number)
                try RootLimits.set(.openFiles, of: number, to: Self.successor)
            case nil: break
            }
        }
        let process = InterceptedProcess(real: try LinuxProcess(pid: target.pid), interception: interception)
        let restorations = handler.leases.restoreLimits(lease.id, on: process)
        if let failure = interception.failure { throw failure }
        let after = try RootLimits.read(.openFiles, of: target.pid)
        let outcome = try #require(restorations.first?.outcome)
        if event == .executesSetuidProgram, interception.hasHappened, outcome == .identityChanged {
            // Further attempts do not lower it either.
            for _ in 0..<3 {
                _ = handler.leases.restoreLimits(lease.id, on: process)
                #expect(try RootLimits.read(.openFiles, of: target.pid) == Self.leased)
            }
            #expect(handler.leases.table.count == 1)
        }
        withExtendedLifetime(successor) {}
        return (outcome, after, interception.calls)
    }

    private static let sequence = ["read", "identity", "exchange", "identity", "identity"]
    private static let writing = 2
    private static let checking = 3

    @Test(arguments: Event.allCases)
    func `at no step are the limits lowered of a program that runs with other ids, or of another process with the pid`(
        event: Event
    )
        throws
    {
        let undisturbed = try attempt(nil, at: nil)
        #expect(undisturbed.outcome == .restored && undisturbed.after == Self.start)
        try #require(undisturbed.calls == Self.sequence)
        for call in Self.sequence.indices {
            for isAfter in [false, true] {
                let (outcome, after, _) = try attempt(event, at: InterceptionPoint.Place(call: call, isAfter: isAfter))
                let what = Comment(
                    rawValue: "\(event) \(isAfter ? "after" : "before") call \(call): \(outcome), \(after)")
                let comesAfterTheCheck = call > Self.checking || call == Self.checking && isAfter
                if comesAfterTheCheck {
                    // The limit was lowered while the process was the one that had the lease, and kept by the new
                    // program.
                    #expect(after == (event == .executesSetuidProgram ? Self.start : Self.successor), what)
                } else {
                    #expect(outcome == (event == .executesSetuidProgram ? .identityChanged : .processEnded), what)
                    #expect(after == Self.leased, what)
                }
            }
        }
    }
}
