import Foundation
import Testing

/// User names in a policy while the accounts of the system change.
@Suite("User names in the policy", .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct UserNamesNeedsCapability {
    /// An agent with this file as its /etc/passwd.
    private func agent(_ passwd: String, policy: String) throws -> AgentProcess {
        try AgentProcess(
            policy: policy,
            prefix: ["unshare", "--mount", "--", "sh", "-c", "mount --bind \(passwd) /etc/passwd && exec \"$@\"", "sh"])
    }

    private static let named = """
        version = 1
        [[allow]]
        name = "a new account"
        caller.users = ["newcomer"]
        limits.nofile = 7000
        """
    private static let numbered = named.replacing("\"newcomer\"", with: "\(Account.alice.uid)")
        .replacing("7000", with: "8000")
    private static let newcomer = "newcomer:x:\(Account.alice.uid):\(Account.alice.gid)::/:/bin/sh\n"

    /// The hard limit of open files of the processes, which alice may keep without a rule.
    private static let hardLimit = 4096

    /// The maximum of open files that alice may set.
    private func maxOpenFiles(_ agent: AgentProcess, _ sample: SampleProcess) throws -> Int? {
        let result = try Rlimitctl(agent, as: .alice)(
            "--json", "set", "--agent", "nofile=1000000", "--pid", "\(sample.pid)")
        try #require(result.status == 77, "\(result.output)\(result.error)")
        return try JSONObject(result.output)["error"]["allowed"]["hard"].number
    }

    @Test func `A user name is resolved again at each reload`() throws {
        let folder = try TemporaryFolder.make(mode: 0o755), passwd = folder + "/passwd"
        try Data("root:x:0:0::/:/bin/sh\n".utf8).write(to: URL(fileURLWithPath: passwd))
        let agent = try agent(passwd, policy: Self.named)
        _ = try agent.logLine(containing: "no user \\\"newcomer\\\" on this system", ":4:17:")
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=\(Self.hardLimit):\(Self.hardLimit)"])
        #expect(try maxOpenFiles(agent, sample) == Self.hardLimit)

        let file = try #require(FileHandle(forWritingAtPath: passwd))
        try file.seekToEnd()
        try file.write(contentsOf: Data(Self.newcomer.utf8))
        #expect(try maxOpenFiles(agent, sample) == Self.hardLimit)
        agent.send(SIGHUP)
        try waitUntil("the new user is resolved") { try maxOpenFiles(agent, sample) == 7000 }

        try file.truncate(atOffset: UInt64("root:x:0:0::/:/bin/sh\n".utf8.count))
        agent.send(SIGHUP)
        try waitUntil("the removed user is no longer resolved") { try maxOpenFiles(agent, sample) == Self.hardLimit }
    }

    @Test func `Requests are answered while account lookups block, and a second reload is not lost`() throws {
        let folder = try TemporaryFolder.make(mode: 0o755), passwd = folder + "/passwd", fifo = folder + "/fifo"
        try Data(Self.newcomer.utf8).write(to: URL(fileURLWithPath: passwd))
        let agent = try agent(passwd, policy: Self.named)
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=\(Self.hardLimit):\(Self.hardLimit)"])
        #expect(try maxOpenFiles(agent, sample) == 7000)

        // open(2) of a FIFO for reading blocks until a writer opens it.
        try #require(mkfifo(fifo, 0o644) == 0)
        let mounted = try ChildProcess.run([
            "nsenter", "--mount", "--target=\(agent.pid)", "mount", "--bind", fifo, "/etc/passwd",
        ])
        try #require(mounted.status == 0, "\(mounted.error)")
        agent.send(SIGHUP)
        try waitUntil("the agent looks up the name") {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/\(agent.pid)/task").count > 1
        }
        for _ in 0..<3 { #expect(try maxOpenFiles(agent, sample) == 7000) }
        try agent.reload(policy: Self.numbered)
        #expect(try maxOpenFiles(agent, sample) == 7000)

        let fed = try ChildProcess.run(["timeout", "60", "sh", "-c", "cat \(passwd) >\(fifo)"])
        // The reader can close the FIFO before all is written, so other errors are possible.
        #expect(fed.status != 124)
        try waitUntil("the second policy is in force") { try maxOpenFiles(agent, sample) == 8000 }
    }

    /// An agent that knows "newcomer" and whose next lookup blocks in open(2) of a FIFO.
    private func agentWithBlockedLookup() throws -> (agent: AgentProcess, sample: SampleProcess) {
        let folder = try TemporaryFolder.make(mode: 0o755), passwd = folder + "/passwd", fifo = folder + "/fifo"
        try Data(Self.newcomer.utf8).write(to: URL(fileURLWithPath: passwd))
        let agent = try agent(passwd, policy: Self.named)
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=\(Self.hardLimit):\(Self.hardLimit)"])
        #expect(try maxOpenFiles(agent, sample) == 7000)
        try #require(mkfifo(fifo, 0o644) == 0)
        _ = try ChildProcess.run([
            "nsenter", "--mount", "--target=\(agent.pid)", "mount", "--bind", fifo, "/etc/passwd",
        ])
        agent.send(SIGHUP)
        return (agent, sample)
    }

    private func children(of pid: pid_t) throws -> [pid_t] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }
            .filter { (try? ProcessFiles(pid: $0).status("PPid")) == "\(pid)" }
    }

    /// Waits until a lookup blocks, and returns the process that looks names up and the process of this lookup.
    private func processes(of agent: AgentProcess) throws -> (accounts: pid_t, lookup: pid_t) {
        let accounts = try #require(try children(of: agent.pid).first)
        try waitUntil("a lookup blocks") { try !children(of: accounts).isEmpty }
        return (accounts, try #require(try children(of: accounts).first))
    }

    @Test func `Names are looked up by processes without capabilities that have filters of their own`() throws {
        let (agent, _) = try agentWithBlockedLookup()
        let (accounts, lookup) = try processes(of: agent)
        try waitUntil("the process of a lookup has a filter of its own") {
            try ProcessFiles(pid: lookup).status("Seccomp_filters") == "2"
        }
        for pid in [accounts, lookup] {
            let files = ProcessFiles(pid: pid)
            for set in ["CapEff", "CapPrm", "CapInh", "CapAmb"] { #expect(try files.status(set) == "0000000000000000") }
            #expect(try files.status("Uid").split(separator: " ").allSatisfy { $0 == "\(Account.agent.uid)" })
            #expect(try files.status("Groups") == "")
            #expect(try files.status("NoNewPrivs") == "1")
            #expect(try files.status("Seccomp") == "2")
        }
        #expect(try ProcessFiles(pid: accounts).status("Seccomp_filters") == "1")
        // Neither the listening socket, nor the state folder, nor a connection.
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(accounts)/fd").compactMap { Int($0) }
        #expect(open.count { $0 > 3 } <= 1, "\(open)")
        agent.send(SIGKILL)
        _ = try agent.wait()
        try waitUntil("both end with the agent") { kill(accounts, 0) != 0 && kill(lookup, 0) != 0 }
    }

    @Test func `A lookup that ends its process fails the reload, and the old policy stays`() throws {
        let (agent, sample) = try agentWithBlockedLookup()
        let (_, lookup) = try processes(of: agent)
        kill(lookup, SIGKILL)
        _ = try agent.logLine(containing: "level=error", "newcomer", "ended the process that did it")
        _ = try agent.logLine(containing: "the policy was not reloaded")
        #expect(try maxOpenFiles(agent, sample) == 7000)
        // The next reload makes another process for its lookup.
        agent.send(SIGHUP)
        _ = try processes(of: agent)
    }

    @Test func `A lookup that never returns fails the reload after a time limit, and the old policy stays`() throws {
        let (agent, sample) = try agentWithBlockedLookup()
        _ = try processes(of: agent)
        _ = try agent.logLine(containing: "level=error", "newcomer", "took more than 30 s")
        #expect(try maxOpenFiles(agent, sample) == 7000)
        agent.send(SIGHUP)
        _ = try processes(of: agent)
    }

    @Test func `Without the process that looks up names, a reload fails and says what to do`() throws {
        let (agent, sample) = try agentWithBlockedLookup()
        let (accounts, _) = try processes(of: agent)
        kill(accounts, SIGKILL)
        _ = try agent.logLine(containing: "level=error", "newcomer", "restart rlimitd")
        #expect(try maxOpenFiles(agent, sample) == 7000)
    }
}
