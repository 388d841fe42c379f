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

    /// The maximum of open files that alice may set; nil if no rule grants any.
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
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=4096:4096"])
        #expect(try maxOpenFiles(agent, sample) == nil)

        let file = try #require(FileHandle(forWritingAtPath: passwd))
        try file.seekToEnd()
        try file.write(contentsOf: Data(Self.newcomer.utf8))
        #expect(try maxOpenFiles(agent, sample) == nil)
        agent.send(SIGHUP)
        try waitUntil("the new user is resolved") { try maxOpenFiles(agent, sample) == 7000 }

        try file.truncate(atOffset: UInt64("root:x:0:0::/:/bin/sh\n".utf8.count))
        agent.send(SIGHUP)
        try waitUntil("the removed user is no longer resolved") { try maxOpenFiles(agent, sample) == nil }
    }

    @Test func `Requests are answered while account lookups block, and a second reload is not lost`() throws {
        let folder = try TemporaryFolder.make(mode: 0o755), passwd = folder + "/passwd", fifo = folder + "/fifo"
        try Data(Self.newcomer.utf8).write(to: URL(fileURLWithPath: passwd))
        let agent = try agent(passwd, policy: Self.named)
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=4096:4096"])
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
}
