import Foundation
import Testing

/// The conditions under which the agent starts, and its errors otherwise.
@Suite("Start of the agent")
struct StartTests {
    /// Runs an agent that must end by itself.
    private func start(_ folder: AgentFolder, _ options: String...) throws -> ChildProcess.Result {
        try ChildProcess.run(folder.command(options: ["--allow-no-capability"] + options))
    }

    @Test(arguments: [
        ("version = 1\n[[allow]]\nname = \"x\"\ncaler.users = [1]\n", 4, "caller"),
        ("version = 1\n[[allow]]\nname = \"x\"\ncaller.users = [1]\nlimits.nofiles = 1\n", 5, "nofile"),
        ("version = 1\n[[allow]]\nname = \"x\"\ncaller.users = [1]\nlimits.memlock = 64\n", 5, "unit"),
        ("version = 1\n[[allow]\n", 2, "]"),
    ])
    func `A bad policy file prevents the start, and the error names the place and a correction`(
        policy: String, line: Int, hint: String
    ) throws {
        let folder = try AgentFolder(policy: policy)
        for options in [[], ["--check"]] {
            let result = try ChildProcess.run(folder.command(options: ["--allow-no-capability"] + options))
            #expect(result.status != 0)
            let message = result.output + result.error
            #expect(message.contains("\(folder.policyFile):\(line):"), "\(message)")
            #expect(message.contains(hint), "\(message)")
            #expect(!FileManager.default.fileExists(atPath: folder.socket))
        }
    }

    @Test func `The option --check accepts a good policy and starts nothing`() throws {
        let folder = try AgentFolder(policy: Policies.openFiles(900_000))
        let result = try start(folder, "--check")
        #expect(result.status == 0, "\(result.output)\(result.error)")
        #expect(!FileManager.default.fileExists(atPath: folder.socket))
    }

    @Test func `A missing policy file is an error`() throws {
        let folder = try AgentFolder(policy: "")
        unlink(folder.policyFile)
        let result = try start(folder)
        #expect(result.status != 0)
        #expect((result.output + result.error).contains(folder.policyFile))
    }

    @Test func `A policy file that others can write is refused`() throws {
        let folder = try AgentFolder(policy: Policies.nothing)
        chmod(folder.policyFile, 0o666)
        let result = try start(folder)
        #expect(result.status != 0)
        #expect((result.output + result.error).contains(folder.policyFile))
    }

    @Test func `A state folder that others can write is refused`() throws {
        let folder = try AgentFolder(policy: Policies.nothing)
        try FileManager.default.createDirectory(atPath: folder.state, withIntermediateDirectories: false)
        chmod(folder.state, 0o777)
        let result = try start(folder)
        #expect(result.status != 0)
        #expect((result.output + result.error).contains(folder.state), "\(result.output)\(result.error)")
    }

    @Test(arguments: ["root", "0:0", "no-such-user-here"])
    func `The agent does not start as root or as an unknown user`(user: String) throws {
        let folder = try AgentFolder(policy: Policies.nothing)
        let result = try start(folder, "--user", user)
        #expect(result.status != 0)
        #expect((result.output + result.error).contains("--user"), "\(result.output)\(result.error)")
    }

    @Test func `An agent in a PID or cgroup namespace of its own does not start and names the option that permits it`()
        throws
    {
        let folder = try AgentFolder(policy: Policies.nothing)
        func start(_ namespace: [String], _ options: [String]) throws -> String {
            let command = try folder.command(options: ["--allow-no-capability"], namespaceOptions: options)
            let result = try ChildProcess.run(["unshare"] + namespace + ["--"] + command)
            #expect(result.status == 1)
            return result.error
        }
        let newPIDs = ["--pid", "--fork", "--kill-child"]
        let pid = try start(newPIDs + ["--mount-proc"], ["--allow-cgroup-namespace"])
        #expect(pid.contains("PID namespace") && pid.contains("--allow-pid-namespace"), "\(pid)")
        let cgroup = try start(["--cgroup"], ["--allow-pid-namespace"])
        #expect(cgroup.contains("cgroup namespace") && cgroup.contains("--allow-cgroup-namespace"), "\(cgroup)")
        // No option permits this: every number in /proc would name another process.
        let otherProc = try start(newPIDs, AgentFolder.namespaceOptions)
        #expect(otherProc.contains("/proc is not that of rlimitd's PID namespace"), "\(otherProc)")
        #expect(!FileManager.default.fileExists(atPath: folder.socket))
    }

    @Test func `A second agent does not replace a running agent's socket`() throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        let second = try start(agent.folder)
        #expect(second.status != 0)
        #expect(try Rlimitctl(agent, as: .alice)("status").status == 0)
    }

    @Test func `A socket that a killed agent left behind is replaced`() throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        agent.send(SIGKILL)
        _ = try agent.wait()
        try #require(FileManager.default.fileExists(atPath: agent.socket))
        try agent.restart()
        #expect(try Rlimitctl(agent, as: .alice)("status").status == 0)
    }

    @Test func `A socket path that is too long is an error and is never truncated`() throws {
        let folder = try AgentFolder(policy: Policies.nothing)
        let path = folder.path + "/" + String(repeating: "x", count: 120)
        let result = try start(folder, "--socket", path)
        #expect(result.status != 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).allSatisfy { !$0.hasPrefix("x") })
    }

    @Test func `The agent is an unprivileged user and cannot gain privileges`() throws {
        let agent = try AgentProcess(policy: Policies.nothing), id = "\(Account.agent.uid)"
        #expect(try agent.files.status("Uid") == "\(id) \(id) \(id) \(id)")
        #expect(try agent.files.status("Gid") == "\(id) \(id) \(id) \(id)")
        #expect(try agent.files.status("Groups") == "")
        #expect(try agent.files.status("NoNewPrivs") == "1")
        #expect(try agent.files.status("Seccomp") == "2")
        let mask = Machine.mayRaiseHardLimits ? "0000000001000000" : "0000000000000000"
        for set in ["CapEff", "CapPrm", "CapBnd"] { #expect(try agent.files.status(set) == mask, "\(set)") }
    }

    @Test func `Every user can connect, and only root and the agent can write to the folders`() throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        let shown = try ChildProcess.run([
            "stat", "-c", "%a %u", agent.socket, agent.folder.path + "/run", agent.folder.state,
        ])
        #expect(shown.output == "666 0\n755 0\n700 \(Account.agent.uid)\n", "\(shown.error)")
    }
}
