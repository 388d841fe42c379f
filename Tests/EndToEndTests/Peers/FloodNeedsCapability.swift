import CTestKernel
import ControlledProcesses
import Foundation
import RlimitModel
import RlimitWire
import Testing

/// Floods by many users, of an agent with the memory of its unit.
@Suite("Floods", .serialized, .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct FloodNeedsCapability {
    /// MemoryMax= of the unit at the time when 32 users could exceed it.
    private static let maxMemory = 256 << 20

    @Test func `An agent survives 32 users with 64 connections each that never read, and serves others`() throws {
        var before = rlimit()
        #expect(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before) == 0)
        var raised = rlimit(rlim_cur: 8192, rlim_max: max(8192, before.rlim_max))
        try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0)
        defer { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before) }
        let cgroup = try Cgroup()
        try cgroup.limitMemory(to: Self.maxMemory)
        let agent = try AgentProcess(policy: Policies.nothing, prefix: cgroup.enter)
        // A response with 4096 groups has 12 KiB, so that few requests fill all buffers.
        let requests = try (0..<24).flatMap { try RequestBytes.frame(.serverInfo, id: UInt64($0)) }
        var peers: [RawConnection] = []
        for uid in 20_000..<20_032 as Range<UInt32> {
            #expect(tk_set_many_groups_of_thread(4096) == 0)
            for _ in 0..<64 {
                let peer = try RawConnection(to: agent.socket, asUser: uid)
                _ = peer.sendWithoutWaiting(requests)
                peers.append(peer)
            }
            #expect(tk_set_many_groups_of_thread(0) == 0)
            #expect(try RawConnection(to: agent.socket, asUser: Account.bob.uid).isServed())
        }
        #expect(peers.count == 32 * 64)
        try waitUntil("the agent becomes idle") {
            let time = try agent.files.processorTime
            #expect(try RawConnection(to: agent.socket, asUser: Account.bob.uid).isServed())
            usleep(500_000)
            return try agent.files.processorTime - time < 0.2
        }
        let memory = try cgroup.memory
        // The buffers, 4 KiB for each connection, and the agent itself.
        #expect(memory < 32 << 20 + 2048 * 4096 + 40 << 20, "\(memory >> 20) MiB")
        #expect(memory > 24 << 20, "the flood did not fill the buffers: \(memory >> 20) MiB")
        #expect(agent.isRunning)
        // What the peers close is free for others.
        peers.removeAll()
        try waitUntil("the memory is free") { try cgroup.memory < memory - 16 << 20 }
        #expect(try RawConnection(to: agent.socket, asUser: Account.bob.uid).isServed())
    }

    @Test func `Eight users that do not read leave slots of long requests for all others`() throws {
        let agent = try AgentProcess(
            policy: Policies.nothing + """
                [quota]
                requests_per_second = 100000
                [[allow]]
                name = "files"
                caller.users = [\(Account.alice.uid)]
                limits.nofile = 8192
                """)
        let cgroup = try Cgroup(), members = try cgroup.populate(300, as: .bob)
        let usage = Request.Operation.usage(.cgroup(cgroup.path), .process)
        let spawner = try ControlledProcess.spawner()
        func peer(_ uid: UInt32) throws -> ConnectedProcess {
            try ConnectedProcess(try spawner.spawn(Credentials(uid: uid, gid: uid)), agent)
        }
        let many = try (100..<1100).flatMap { try RequestBytes.frame(.serverInfo, id: UInt64($0)) }
        let deaf = try (21_000..<21_008 as Range<UInt32>).flatMap { uid in try (0..<4).map { _ in try peer(uid) } }
        for caller in deaf {
            try caller.connection.send(RequestBytes.frame(usage))
            _ = caller.connection.sendWithoutWaiting(many)
        }
        try waitUntil("the agent becomes idle") {
            let time = try agent.files.processorTime
            usleep(500_000)
            return try agent.files.processorTime - time < 0.2
        }
        // At the first attempt: callers with a rule have slots of their own, and administrators too.
        for uid in [0, Account.alice.uid] {
            let caller = try peer(uid)
            #expect(try CgroupReply(caller.connection, usage).results.count == 300, "user \(uid)")
        }
        // A slot of a peer that does not read is given up.
        let other = try peer(21_100)
        var answer: CgroupReply?
        try waitUntil("a user without a rule has a slot", seconds: 20) {
            answer = try? CgroupReply(other.connection, usage)
            return answer != nil
        }
        #expect(answer?.results.count == 300)
        #expect(members.isRunning)
        withExtendedLifetime(deaf) {}
    }
}

extension Cgroup {
    /// Limits the memory of the processes, with what the kernel keeps for them (memory.max).
    fileprivate func limitMemory(to bytes: Int) throws {
        try Data("+memory".utf8).write(to: URL(fileURLWithPath: Self.root + "/cgroup.subtree_control"))
        try Data("\(bytes)".utf8).write(to: URL(fileURLWithPath: Self.root + path + "/memory.max"))
    }

    /// The memory in bytes (memory.current).
    fileprivate var memory: Int {
        get throws {
            let text = try Machine.contents(of: Self.root + path + "/memory.current")
            return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
        }
    }
}
