import Foundation
import Testing

/// The signals of a service manager while clients use the agent.
@Suite("Reload, stop and restart")
struct LifecycleTests {
    private func maxOpenFiles(_ rlimitctl: Rlimitctl, _ sample: SampleProcess) throws -> Int? {
        let result = try rlimitctl("--json", "set", "--agent", "nofile=1000000", "--pid", "\(sample.pid)")
        try #require(result.status == 77, "\(result.output)\(result.error)")
        return try JSONObject(result.output)["error"]["allowed"]["hard"].number
    }

    @Test func `Memory that only the start needs is returned`() throws {
        let agent = try AgentProcess(policy: Policies.openFiles(5000))
        let peakBytes = try #require(Int(agent.files.status("VmHWM").split(separator: " ")[0])) * 1024
        // The agent has already answered a request, so the start is complete.
        #expect(try agent.files.residentBytes < peakBytes * 9 / 10)
    }

    @Test func `SIGHUP loads the new policy, and a bad file leaves the old one in force`() throws {
        let agent = try AgentProcess(policy: Policies.openFiles(5000)), rlimitctl = Rlimitctl(agent, as: .served)
        let sample = try SampleProcess(as: .served, limits: ["--nofile=4096:4096"])
        #expect(try maxOpenFiles(rlimitctl, sample) == 5000)

        try agent.reload(policy: Policies.openFiles(6000))
        try waitUntil("the new policy is in force") { try maxOpenFiles(rlimitctl, sample) == 6000 }

        try agent.reload(policy: "version = 1\n[[allow]]\nnonsense = true\n")
        _ = try agent.logLine(containing: "\(agent.folder.policyFile):3:")
        #expect(try maxOpenFiles(rlimitctl, sample) == 6000)
        // The status shows the failed reload, too.
        let failed = try JSONObject(rlimitctl("--json", "status").output)["policy"].text ?? ""
        let end =
            #/^1 rule; the reload at [0-9-]+T[0-9:.]+Z failed: .*policy.toml:2:1: a rule must have a name.* \(and 2 more\)$/#
        #expect(failed.contains(end), "\(failed)")

        try agent.reload(policy: Policies.openFiles(7000))
        try waitUntil("the corrected policy is in force") { try maxOpenFiles(rlimitctl, sample) == 7000 }
        #expect(try JSONObject(rlimitctl("--json", "status").output)["policy"].text == "1 rule")
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `A termination signal closes all connections and the socket, and the exit status is 0`(signal: Int32)
        throws
    {
        let agent = try AgentProcess(policy: Policies.nothing)
        let idle = try RawConnection(to: agent.socket)
        agent.send(signal)
        #expect(try agent.wait().status == 0, "\(agent.log)")
        #expect(try idle.response() == nil)
        #expect(throws: ChildProcess.Failure.self) { try RawConnection(to: agent.socket) }
    }

    @Test func `Requests sent before the signal are answered`() throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        let connections = try (0..<20).map { _ in try RawConnection(to: agent.socket) }
        for connection in connections {
            try connection.send(RawConnection.serverInfoRequest)
        }
        agent.send(SIGTERM)
        for connection in connections {
            #expect(try connection.response() != nil)
            #expect(try connection.response() == nil)
        }
        #expect(try agent.wait().status == 0)
    }

    @Test func `Clients continue with the next agent`() throws {
        let agent = try AgentProcess(policy: Policies.nothing), rlimitctl = Rlimitctl(agent, as: .served)
        #expect(try rlimitctl("status").status == 0)
        try agent.restart()
        #expect(try rlimitctl("status").status == 0)
    }
}
