import Foundation
import RlimitModel
import Testing

/// An agent that has more leases than it can watch, because it watches each process by a descriptor.
@Suite("Leases of an agent with few descriptors")
struct FewDescriptorsLeaseTests {
    @Test func `Leases that an agent has no descriptors for are left to the next agent`() throws {
        let agent = try AgentProcess(policy: Policies.leases(max: 100))
        let caller = try LeaseClient(to: agent)
        let samples = try (0..<60).map { _ in try SampleProcess(as: .served, limits: ["--nofile=1000:4000"]) }
        let leases = try samples.map { try caller.requestLease(soft: 3000, of: $0.pid, .duration(.seconds(3600))).id }
        agent.send(SIGKILL)
        try agent.restartAfterExit(prefix: ["prlimit", "--nofile=64:64"])
        if !Machine.mayRaiseHardLimits { _ = try agent.logLine(containing: "too few descriptors to watch more") }
        try agent.killAndRestart()
        let again = try LeaseClient(to: agent)
        #expect(try Set(again.list().map(\.id)) == Set(leases))
        for lease in leases { try again.release(lease) }
        for sample in samples { #expect(try sample.files.limit("Max open files").description == "1000:4000") }
    }
}
