import CTestKernel
import Foundation
import ControlledProcesses
import RlimitModel
import Testing

/// Leases that raise hard limits for an ordinary user.
@Suite("Leases of hard limits", .serialized, .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct LeaseOfHardLimitsNeedsCapability {
    private static let alice = Credentials(uid: Account.alice.uid, gid: Account.alice.gid)
    private static let start = Limit(soft: 1000, hard: 4000)
    private static let leased = Limit(soft: 5000, hard: 8000)

    private let agent: AgentProcess
    private let spawner: ControlledProcess
    private let target: ControlledProcess
    private let caller: LeaseClient
    private let callerProcess: ControlledProcess

    init() throws {
        let limits = Resource.leasable.map { "\($0) = \($0.unit == .bytes ? "\"1G\"" : "100000")" }
        agent = try AgentProcess(
            policy: Policies.nothing + """
                [[allow]]
                name = "leases"
                caller.users = [\(Account.alice.uid)]
                limits = { \(limits.joined(separator: ", ")) }
                lease = { max = "1h", required = true }
                """)
        spawner = try ControlledProcess.spawner()
        target = try spawner.spawn(Self.alice)
        for resource in Resource.leasable { try RootLimits.set(resource, of: target.pid, to: Self.start) }
        callerProcess = try spawner.spawn(Self.alice)
        caller = LeaseClient(RawConnection(owning: try callerProcess.connect(to: agent.socket)))
    }

    private func requestLease(_ term: LeaseTerm) throws -> LeaseInfo {
        let edits = Resource.leasable.map { NumericEdit($0, soft: Self.leased.soft, hard: Self.leased.hard) }
        guard case .changes(_, let lease?) = try caller.ask(.set(.pid(target.pid), EditBatch(edits), lease: term))
        else {
            throw ChildProcess.Failure(description: "the response has no lease")
        }
        return lease
    }

    private func limits() throws -> [Limit] { try Resource.leasable.map { try RootLimits.read($0, of: target.pid) } }
    private func all(_ limit: Limit) -> [Limit] { Resource.leasable.map { _ in limit } }

    @Test func `A lease raises and restores all six leasable hard limits, and no permanent raise is granted`() throws {
        let lease = try requestLease(.duration(.seconds(3600)))
        #expect(try limits() == all(Self.leased))
        _ = try caller.renew(lease.id, .duration(.milliseconds(100)))
        try waitUntil("the lease ends") { try limits() == all(Self.start) }
        let error = #expect(throws: RlimitError.self) {
            _ = try caller.ask(
                .set(.pid(target.pid), EditBatch([NumericEdit(.openFiles, hard: 8000)]), lease: nil))
        }
        #expect(error?.message.contains("but only with a lease of at most 3600 s") == true)
    }

    @Test
    func
        `A setuid program executed during a lease keeps its limits, also after a restart of the agent`()
        throws
    {
        let program = try SetuidControlledProgram()
        // Long enough for the exec, also on a busy machine.
        let lease = try requestLease(.duration(.seconds(3)))
        try target.execute(program.path)
        #expect(try target.executionResult().effectiveUID == 0)
        _ = try agent.logLine(containing: "lease=\(lease.id)", "outcome=identity-changed")
        // Longer than the time until the agent's first retry.
        usleep(2_500_000)
        #expect(try limits() == all(Self.leased))
        try agent.killAndRestart()
        usleep(500_000)
        #expect(try limits() == all(Self.leased))
        try spawner.reap(target)
        _ = try agent.logLine(containing: "lease=\(lease.id)", "outcome=process-ended")
    }
}
