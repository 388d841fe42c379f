import Foundation
import RlimitModel
import Testing

/// Hostile peers of an agent that can raise limits.
@Suite(
    "Hostile peers of an agent with the capability",
    .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct HostilePeerNeedsCapability {
    @Test func `An agent without free descriptors waits without spinning and serves again when it has one`() throws {
        let agent = try AgentProcess(policy: Policies.nothing + "[quota]\nconnections = 1000\n")
        let before = try agent.files.limit("Max open files")
        let now = try agent.files.descriptors
        func limit(_ text: String) throws {
            #expect(try ChildProcess.run(["prlimit", "--pid", "\(agent.pid)", "--nofile=\(text)"]).status == 0)
        }
        try limit("\(now):\(before.hard)")
        let waiting = try (0..<50).map { _ in try RawConnection(to: agent.socket) }
        let time = try agent.files.processorTime
        usleep(1_000_000)
        #expect(try agent.files.processorTime - time < 0.2, "the agent spins")
        try limit("\(before.soft):\(before.hard)")
        for connection in waiting { #expect(try connection.isAnswered()) }
    }

    @Test func `A rule with the target self grants nothing on another process of the same user`() throws {
        let agent = try AgentProcess(
            policy: Policies.nothing + """
                [[allow]]
                name = "self"
                caller.users = [\(Account.alice.uid)]
                target = "self"
                limits.nofile = 900000
                """)
        let other = try SampleProcess(as: .alice, limits: ["--nofile=4096:4096"])
        let refused = try Rlimitctl(agent, as: .alice)("set", "nofile=8192", "--agent", "--pid", "\(other.pid)")
        #expect(refused.status == 77, "\(refused.output)\(refused.error)")
        #expect(try other.files.limit("Max open files") == .init(soft: "4096", hard: "4096"))
    }

    @Test func `A rule for root does not cover process 1, the agent and kernel threads`() throws {
        let agent = try AgentProcess(
            policy: Policies.nothing + """
                [[allow]]
                name = "everything"
                caller.users = [0]
                target = { relation = "any", users = ["0-4294967294"] }
                limits.nofile = "max"
                """)
        let connection = try RawConnection(to: agent.socket)
        let kernelThread: UInt64 = 2
        for number in [0, 1, kernelThread, UInt64(agent.pid), 1 << 32, .max] {
            try connection.send(RequestBytes.set(processNumber: number))
            #expect(try connection.nextError() != nil, "process \(number)")
        }
    }
}
