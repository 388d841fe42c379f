import CTestKernel
import Foundation
import Puppets
import RlimitModel
import Testing

/// Leases that raise hard limits, by a real agent for an ordinary user.
@Suite("Leases of hard limits", .serialized, .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct LeaseOfHardLimitsNeedsCapability {
    private static let alice = Credentials(uid: Account.alice.uid, gid: Account.alice.gid)
    private static let start = Limit(soft: 1000, hard: 4000)
    private static let lent = Limit(soft: 5000, hard: 8000)

    private let agent: AgentProcess
    private let maker: Puppet
    private let target: Puppet
    private let caller: LeaseCaller
    private let callersProcess: Puppet

    init() throws {
        let limits = Resource.leasable.map { "\($0) = \($0.unit == .bytes ? "\"1G\"" : "100000")" }
        agent = try AgentProcess(
            policy: Policies.nothing + """
                [[allow]]
                name = "lent"
                caller.users = [\(Account.alice.uid)]
                limits = { \(limits.joined(separator: ", ")) }
                lease = { max = "1h", required = true }
                """)
        maker = try Puppet.maker()
        target = try maker.make(Self.alice)
        for resource in Resource.leasable { try RootLimits.set(resource, of: target.pid, to: Self.start) }
        callersProcess = try maker.make(Self.alice)
        caller = LeaseCaller(RawConnection(owning: try callersProcess.connect(to: agent.socket)))
    }

    private func lend(_ term: LeaseTerm) throws -> LeaseInfo {
        let edits = Resource.leasable.map { NumericEdit($0, soft: Self.lent.soft, hard: Self.lent.hard) }
        guard case .changes(_, let lease?) = try caller.ask(.set(.pid(target.pid), EditBatch(edits), lease: term))
        else {
            throw ChildProcess.Failure(description: "no lease")
        }
        return lease
    }

    private func limits() throws -> [Limit] { try Resource.leasable.map { try RootLimits.read($0, of: target.pid) } }
    private func all(_ limit: Limit) -> [Limit] { Resource.leasable.map { _ in limit } }

    @Test func `all six are raised beyond the hard limit and come back, and nothing is given for good`() throws {
        _ = try lend(.duration(.milliseconds(300)))
        #expect(try limits() == all(Self.lent))
        try waitUntil("the lease ends") { try limits() == all(Self.start) }
        let error = #expect(throws: RlimitError.self) {
            _ = try caller.ask(
                .set(.pid(target.pid), EditBatch([NumericEdit(.openFiles, hard: 8000)]), lease: nil))
        }
        #expect(error?.message.contains("but only with a lease of at most 3600 s") == true)
    }

    @Test
    func
        `a program that became root's during a lease keeps what it came into, and an agent after this one keeps to that`()
        throws
    {
        let program = try SetuidPuppet()
        let lease = try lend(.duration(.milliseconds(300)))
        try target.execute(program.path)
        #expect(try target.executed().effectiveUID == 0)
        _ = try agent.logLine(containing: "lease=\(lease.id)", "outcome=identity-changed")
        // Past the first time that it is tried again.
        usleep(2_500_000)
        #expect(try limits() == all(Self.lent))
        try agent.killAndStartAgain()
        usleep(500_000)
        #expect(try limits() == all(Self.lent))
        try maker.reap(target)
        _ = try agent.logLine(containing: "lease=\(lease.id)", "outcome=process-ended")
    }
}
