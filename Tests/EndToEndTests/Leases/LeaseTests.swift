import Foundation
import RlimitModel
import Testing

/// Leases of soft limits, which need no privilege.
@Suite("Leases")
struct LeaseTests {
    private let agent: AgentProcess
    private let caller: LeaseClient
    private let sample: SampleProcess

    init() throws {
        agent = try AgentProcess(policy: Policies.leases())
        caller = try LeaseClient(to: agent)
        sample = try SampleProcess(as: .served, limits: ["--nofile=1000:4000", "--core=0:5000"])
    }

    private func files(_ sample: SampleProcess) throws -> String {
        try sample.files.limit("Max open files").description
    }

    private func files() throws -> String { try files(sample) }

    private var leaseFiles: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: agent.folder.state).filter { $0.hasPrefix("lease-") }
        }
    }

    @Test func `A lease with a duration raises the limit, is stored, and restores the limit when it ends`() throws {
        let lease = try caller.requestLease(soft: 3000, of: sample.pid, .duration(.seconds(3600)))
        #expect(try files() == "3000:4000")
        #expect(lease.pid == sample.pid && lease.rule == "leases")
        #expect(try #require(lease.remaining) <= .seconds(3600))
        #expect(try leaseFiles == ["lease-\(lease.id)"])
        #expect(try caller.list().map(\.id) == [lease.id])
        _ = try caller.renew(lease.id, .duration(.milliseconds(100)))
        try waitUntil("the lease ends") { try files() == "1000:4000" }
        try waitUntil("the lease's file is removed") { try leaseFiles.isEmpty }
        #expect(try caller.list().isEmpty)
        let line = try agent.logLine(containing: "verdict=ended", "lease=\(lease.id)")
        #expect(line.contains("cause=expired outcome=restored"))
        #expect(line.contains("resource=nofile new=1000:4000 rule=leases"))
        #expect(throws: RlimitError.self) { try caller.release(lease.id) }
    }

    @Test func `A release returns the restored limit and ends the lease`() throws {
        let lease = try caller.requestLease(soft: 3000, of: sample.pid, .duration(.seconds(3600)))
        let limit = Limit(soft: 1000, hard: 4000)
        #expect(try caller.release(lease.id) == [Restoration(.openFiles, .restored, limit: limit)])
        #expect(try files() == "1000:4000")
        let error = #expect(throws: RlimitError.self) { try caller.release(lease.id) }
        #expect(error?.code == .leaseEnded)
    }

    @Test func `A lease of a connection ends with the connection`() throws {
        var other: LeaseClient? = try LeaseClient(to: agent)
        let lease = try #require(try other?.requestLease(soft: 3000, of: sample.pid, .connection))
        #expect(lease.remaining == nil)
        #expect(try files() == "3000:4000")
        other = nil
        try waitUntil("the lease ends") { try files() == "1000:4000" }
        _ = try agent.logLine(containing: "lease=\(lease.id)", "cause=disconnected")
    }

    @Test func `Several leases of a limit keep the highest live one, in any order of release`() throws {
        let leases = try [2000, 3500, 3000].map { bound in
            try caller.requestLease(soft: Limit.Bound(bound), of: sample.pid, .duration(.seconds(3600)))
        }
        #expect(try files() == "3500:4000")
        #expect(try caller.release(leases[1].id).first?.outcome == .heldByAnotherLease)
        #expect(try files() == "3000:4000")
        #expect(try caller.release(leases[0].id).first?.outcome == .heldByAnotherLease)
        #expect(try files() == "3000:4000")
        #expect(try caller.release(leases[2].id).first?.outcome == .restored)
        #expect(try files() == "1000:4000")
    }

    @Test func `A permanent change during a lease remains after the lease`() throws {
        let lease = try caller.requestLease(soft: 3000, of: sample.pid, .duration(.seconds(3600)))
        try caller.setPermanently(soft: 2500, of: sample.pid)
        #expect(try files() == "3000:4000")
        try agent.killAndRestart()
        #expect(try LeaseClient(to: agent).release(lease.id).first?.limit == Limit(soft: 2500, hard: 4000))
        #expect(try files() == "2500:4000")
        #expect(try leaseFiles.isEmpty)
    }

    @Test func `A limit that another process changed is not restored`() throws {
        let lease = try caller.requestLease(soft: 3000, of: sample.pid, .duration(.seconds(3600)))
        _ = try ChildProcess.run(Account.served.setpriv + ["prlimit", "--pid", "\(sample.pid)", "--nofile=1500:4000"])
        let changed = [Restoration(.openFiles, .changedByTarget, limit: Limit(soft: 1500, hard: 4000))]
        #expect(try caller.release(lease.id) == changed)
        #expect(try files() == "1500:4000")
    }

    @Test func `The end of a process frees its leases at once`() throws {
        let lease = try caller.requestLease(soft: 3000, of: sample.pid, .duration(.seconds(3600)))
        try sample.end()
        _ = try agent.logLine(containing: "lease=\(lease.id)", "outcome=process-ended")
        #expect(try caller.list().isEmpty && leaseFiles.isEmpty)
    }

    @Test func `A restarted agent ends the leases that expired meanwhile and continues the others`()
        throws
    {
        let other = try SampleProcess(as: .served, limits: ["--nofile=1000:4000"])
        let long = try caller.requestLease(soft: 3000, of: sample.pid, .duration(.seconds(3600)))
        let gone = try SampleProcess(as: .served, limits: ["--nofile=1000:4000"])
        _ = try caller.requestLease(soft: 3000, of: gone.pid, .duration(.seconds(3600)))
        let short = try caller.requestLease(soft: 2000, of: other.pid, .duration(.seconds(3)))
        agent.send(SIGKILL)
        try gone.end()
        sleep(3)
        #expect(try files() == "3000:4000" && files(other) == "2000:4000")
        try agent.restartAfterExit()
        try waitUntil("the limit of the expired lease is restored") { try files(other) == "1000:4000" }
        #expect(try files() == "3000:4000")
        let again = try LeaseClient(to: agent)
        #expect(try again.list().map(\.id) == [long.id])
        #expect(try again.renew(long.id, .duration(.milliseconds(200))).id == long.id)
        try waitUntil("the renewed lease expires") { try files() == "1000:4000" }
        #expect(throws: RlimitError.self) { try again.release(short.id) }
        try waitUntil("no lease file is left") { try leaseFiles.isEmpty }
    }

    @Test func `A lease of a connection survives a restart for the process that holds it`() throws {
        let lease = try caller.requestLease(soft: 3000, of: sample.pid, .connection)
        try agent.restart()
        #expect(try files() == "3000:4000")
        var again: LeaseClient? = try LeaseClient(to: agent)
        let left = try #require(try again?.list().first?.remaining)
        #expect(left > .zero && left <= .seconds(30))
        #expect(try again?.renew(lease.id, .connection).remaining == nil)
        again = nil
        try waitUntil("the lease ends with the connection that claimed it") { try files() == "1000:4000" }
    }

    @Test func `An edit that cannot be leased is refused with a reason`() throws {
        func refusal(_ edit: NumericEdit) -> RlimitError? {
            #expect(throws: RlimitError.self) {
                _ = try caller.ask(.set(.pid(sample.pid), EditBatch([edit]), lease: .connection))
            }
        }
        let time = refusal(NumericEdit(.cpuTime, soft: 5))
        #expect(time?.code == .unsupported && time?.resource == .cpuTime && time?.editIndex == 0)
        let leasable = "leasable resources are core, nproc, nofile, memlock, sigpending, msgqueue"
        #expect(time?.message.contains(leasable) == true)
        let lower = refusal(NumericEdit(.openFiles, soft: 500))
        #expect(lower?.code == .invalidArgument || lower?.code == .deniedByPolicy, "\(String(describing: lower))")
        #expect(try files() == "1000:4000" && leaseFiles.isEmpty)
    }

    @Test func `The quota of leases is enforced`() throws {
        try agent.reload(policy: Policies.leases(max: 2))
        _ = try agent.logLine(containing: "policy reloaded")
        let leases = try (0..<2).map { _ in try caller.requestLease(soft: 3000, of: sample.pid, .connection) }
        let error = #expect(throws: RlimitError.self) {
            try caller.requestLease(soft: 3000, of: sample.pid, .connection)
        }
        #expect(error?.code == .quotaExceeded)
        try caller.release(leases[0].id)
        _ = try caller.requestLease(soft: 3000, of: sample.pid, .connection)
    }
}
