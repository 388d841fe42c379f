import Foundation
import Testing

/// The privileges that the agent keeps: one capability.
@Suite("The agent's privilege", .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct PrivilegeNeedsCapability {
    private static let oneBit = "0000000001000000"

    @Test func `The agent holds one capability and is not root`() throws {
        let agent = try AgentProcess(policy: Policies.nothing), id = "\(Account.agent.uid)"
        for set in ["CapEff", "CapPrm", "CapBnd"] {
            #expect(try agent.files.status(set) == Self.oneBit, "\(set)")
        }
        #expect(try agent.files.status("CapAmb") == "0000000000000000")
        #expect(["0000000000000000", Self.oneBit].contains(try agent.files.status("CapInh")))
        #expect(try agent.files.status("Uid") == "\(id) \(id) \(id) \(id)")
        #expect(try agent.files.status("Gid") == "\(id) \(id) \(id) \(id)")
        #expect(try agent.files.status("Groups") == "")
        #expect(try agent.files.status("NoNewPrivs") == "1")
        #expect(try agent.files.status("Seccomp") == "2")
        #expect(try agent.files.limit("Max core file size") == .init(soft: "0", hard: "0"))
    }

    @Test func `An agent started as its own user with an ambient capability has the same privileges`() throws {
        let folder = try AgentFolder(policy: Policies.nothing)
        let id = "\(Account.agent.uid)"
        try folder.changeOwner(to: .agent)
        let words = [
            "setpriv", "--reuid=" + id, "--regid=" + id, "--clear-groups", "--inh-caps=-all,+sys_resource",
            "--ambient-caps=-all,+sys_resource", "--bounding-set=-all,+sys_resource", "--",
        ]
        let agent = try ChildProcess(words + (try folder.command()))
        try waitUntil("the agent accepts") {
            try #require(agent.isRunning, "\(agent.error)")
            return (try? RawConnection(to: folder.socket).isAnswered()) == true
        }
        let files = ProcessFiles(pid: agent.pid)
        for set in ["CapEff", "CapPrm", "CapBnd"] {
            #expect(try files.status(set) == Self.oneBit, "\(set)")
        }
        #expect(try files.status("CapAmb") == "0000000000000000")
        #expect(try files.status("NoNewPrivs") == "1")
    }

    @Test func `An agent without the capability does not start and names the option that permits it`() throws {
        let folder = try AgentFolder(policy: Policies.nothing)
        let result = try ChildProcess.run(["setpriv", "--bounding-set=-sys_resource", "--"] + folder.command())
        #expect(result.status != 0)
        #expect((result.output + result.error).contains("CAP_SYS_RESOURCE"))
        #expect((result.output + result.error).contains("--allow-no-capability"))
    }

    @Test func `An agent in a child user namespace does not start and names the option that permits it`() throws {
        let folder = try AgentFolder(policy: Policies.nothing)
        let result = try ChildProcess.run(["unshare", "--user", "--map-root-user", "--"] + folder.command())
        #expect(result.status != 0)
        #expect((result.output + result.error).contains("--allow-user-namespace"), "\(result.output)\(result.error)")
    }
}
