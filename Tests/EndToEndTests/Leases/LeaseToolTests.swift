import Foundation
import RlimitClient
import RlimitModel
import Testing

/// Leases of soft limits that `rlimitctl` and the library request, which need no privilege.
@Suite("Leases by the tool and the library")
struct LeaseToolTests {
    private let agent: AgentProcess
    private let rlimitctl: Rlimitctl
    private let sample: SampleProcess

    init() throws {
        agent = try AgentProcess(
            policy: """
                version = 1
                [[allow]]
                name = "leases"
                caller.users = [0, \(Account.served.uid)]
                target = { relation = "any", users = ["\(Account.served.uid)-\(Account.served.uid)"] }
                operations = ["get", "set", "lease_list"]
                limits = { nofile = 65536, core = "1G" }
                [[allow]]
                name = "only with a lease"
                caller.users = [\(Account.served.uid)]
                limits.sigpending = 100000
                lease = { max = "1h", required = true }
                """)
        rlimitctl = Rlimitctl(agent, as: .served)
        sample = try SampleProcess(
            as: .served, limits: ["--nofile=1000:4000", "--core=0:5000", "--sigpending=100:200"])
    }

    private func files() throws -> String { try sample.files.limit("Max open files").description }

    private func leases() throws -> [JSONObject] {
        let result = try rlimitctl("leases", "--json")
        #expect(result.status == 0, "\(result.error)")
        return try JSONObject(result.output)["leases"].list ?? []
    }

    private func startForeground(_ words: String...) throws -> ChildProcess {
        try ChildProcess(
            Account.served.setpriv + [try Programs.rlimitctl] + words,
            environment: ["RLIMITD_SOCKET": agent.socket, "SUDO_UID": ""])
    }

    @Test func `A lease of set --lease can be listed, renewed and released by another rlimitctl`() throws {
        let set = try rlimitctl("set", "nofile=3000:", "core=1000:", "--lease", "10m", "--pid", "\(sample.pid)")
        #expect(set.status == 0, "\(set.error)")
        #expect(try files() == "3000:4000")
        let id = try #require(set.output.split(separator: "\n").last?.split(separator: " ").dropFirst().first)
        #expect(set.output.hasSuffix("lease \(id)  ends in 10m\n"))
        let shown = try rlimitctl("leases").output.split(separator: "\n")
        #expect(shown.count == 3 && shown[1].hasPrefix("\(id)  sleep (pid \(sample.pid))  nofile"))
        #expect(try rlimitctl("leases", "renew", "\(id)", "2h").output == "lease \(id)  ends in 2h\n")
        let released = try rlimitctl("leases", "release", "\(id)")
        #expect(released.output == "nofile restored to 1000:4000\ncore restored to 0 B:5000 B\n")
        #expect(try files() == "1000:4000")
        #expect(try rlimitctl("leases", "release", "\(id)").status == 1)
    }

    @Test func `A lease of set --lease ends by itself`() throws {
        let set = try rlimitctl("set", "nofile=3000:", "--lease", "1s", "--pid", "\(sample.pid)")
        #expect(set.status == 0 && set.output.hasPrefix("nofile 1000:4000 -> 3000:4000"), "\(set)")
        try waitUntil("the limit is restored") { try files() == "1000:4000" }
        #expect(try leases().isEmpty)
    }

    @Test func `A rule that requires a lease grants one up to its maximum duration`() throws {
        let words = ["set", "sigpending=150:", "--pid", "\(sample.pid)", "--agent"]
        let longer = try rlimitctl(words: words + ["--lease", "2h"])
        #expect(longer.status == 77, "\(longer.error)")
        let dryRun = try rlimitctl(words: words + ["--lease", "1h", "--dry-run"])
        #expect(dryRun.status == 0 && dryRun.output.contains("(dry run)"), "\(dryRun.error)")
        #expect(try leases().isEmpty)
        #expect(try rlimitctl(words: words + ["--lease", "1h"]).status == 0)
        #expect(try leases().first?["rule"].text == "only with a lease")
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGKILL])
    func `A lease of set --while-connected lasts until rlimitctl ends, however it ends`(signal: Int32) throws {
        let holder = try startForeground("set", "nofile=3000:", "--while-connected", "--pid", "\(sample.pid)")
        try waitUntil("the lease is granted") { holder.output.contains("lease ") }
        #expect(try files() == "3000:4000")
        holder.send(signal)
        let ended = try holder.wait()
        try waitUntil("the limit is restored") { try files() == "1000:4000" }
        if signal != SIGKILL {
            #expect(ended.status == 0 && ended.output.hasSuffix("nofile restored to 1000:4000\n"), "\(ended.error)")
        }
    }

    @Test func `The end of the target ends set --while-connected`() throws {
        let holder = try startForeground("set", "nofile=3000:", "--while-connected", "--pid", "\(sample.pid)")
        try waitUntil("the lease is granted") { holder.output.contains("lease ") }
        try sample.end()
        // The output is the same whether the agent or the tool notices the end first.
        let ended = try holder.wait()
        #expect(ended.status == 0 && ended.output.hasSuffix("nofile: the process has ended\n"), "\(ended.error)")
        #expect(try leases().isEmpty)
    }

    @Test(arguments: [["--lease", "1h"], ["--lease"]])
    func `A lease of run --lease ends with the command`(
        option: [String]
    ) throws {
        let script = "ulimit -Sn; read line < /dev/stdin; exec sleep 600"
        let words = ["run"] + option + ["nofile=3000:", "--", "sh", "-c", script]
        let command = try ChildProcess(
            ["prlimit", "--nofile=1000:4000"] + Account.served.setpriv + [try Programs.rlimitctl] + words,
            environment: ["RLIMITD_SOCKET": agent.socket])
        try waitUntil("the command runs") { command.output == "3000\n" }
        let lease = try #require(try leases().first)
        #expect(lease["pid"].number == Int(command.pid))
        #expect((lease["endsIn"].number == nil) == (option.count == 1))
        command.send(SIGKILL)
        try command.wait()
        try waitUntil("the lease has ended") { try leases().isEmpty }
    }

    @Test func `A lease of run --lease ends after its duration even if the command runs on`() throws {
        let script = "ulimit -Sn; while test $(ulimit -Sn) != 1000; do sleep 0.1; done; echo restored"
        let result = try rlimitctl.shell(
            "rlimitctl run --lease 3s nofile=3000: -- sh -c '\(script)'", limits: ["--nofile=1000:4000"])
        #expect(result.output == "3000\nrestored\n", "\(result.error)")
    }

    @Test func `A task keeps its lease across a restart of the agent`() async throws {
        // An agent may start slowly on a busy machine.
        let client = LimitClient(socket: AgentSocket(path: agent.socket, owner: .anyone)).with(timeout: nil)
        let edit = Edit(.openFiles, soft: 3000, mode: .atLeast)
        let lease = try await client.lease(edit, on: .process(sample.pid))
        #expect(try files() == "3000:4000")
        try agent.restart()
        // After the client has claimed the lease, it has no remaining time but lasts as long as the connection.
        // Sleeping lets the client's task run.
        while try await client.leases().first?.remaining != nil { try await Task.sleep(for: .milliseconds(10)) }
        #expect(try await client.leases().map(\.remaining) == [nil])
        #expect(try files() == "3000:4000")
        #expect(try await lease.release().map(\.outcome) == [.restored])
        #expect(try files() == "1000:4000")
    }

    @Test(.timeLimit(.minutes(10)))
    func `A lease ends when its last reference is released or its task is cancelled`() async throws {
        let client = LimitClient(socket: AgentSocket(path: agent.socket, owner: .anyone)).with(timeout: nil)
        let edit = Edit(.openFiles, soft: 3000, mode: .atLeast), target = Target.process(sample.pid)
        do { _ = try await client.lease(edit, on: target) }
        try await reaches("1000:4000")
        let task = Task {
            try await client.withLease(edit, on: target) { _ in try await Task.sleep(for: .seconds(3600)) }
        }
        try await reaches("3000:4000")
        task.cancel()
        await #expect(throws: (any Error).self) { try await task.value }
        try await reaches("1000:4000")
    }

    // Task.sleep does not block a thread: with one processor all tasks share one thread.
    private func reaches(_ limit: String) async throws {
        while try files() != limit { try await Task.sleep(for: .milliseconds(1)) }
    }
}
