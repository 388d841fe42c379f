import Glibc
import RlimitModel
import ScriptedAgents
import Testing

@testable import RlimitClient

// An agent that grants every edit, and reports to each caller its pid from SO_PEERCRED.
private func serve(_ session: ScriptedSession) throws {
    var credentials = ucred_of_peer()
    var length = socklen_t(MemoryLayout<ucred_of_peer>.size)
    getsockopt(session.number, SOL_SOCKET, SO_PEERCRED, &credentials, &length)
    let peer = Peer(pid: credentials.pid, uid: credentials.uid, gid: credentials.gid)
    try session.serve { request in
        switch request.operation {
        case .set(_, let batch, _):
            .changes(
                batch.map {
                    let old = Limit(soft: 100, hard: 200)
                    return Change($0.resource, old: old, new: $0.applied(to: old), grantedBy: .agent(rule: "script"))
                })
        default:
            .serverInfo(
                AgentInfo(
                    version: "1", kernel: "6", features: [], openFilesCeiling: 5, canRaise: true, policy: "",
                    caller: AgentInfo.Caller(peer)))
        }
    }
}

// struct ucred, which the Glibc module does not contain.
private struct ucred_of_peer {
    var pid: Int32 = 0
    var uid: UInt32 = 0
    var gid: UInt32 = 0
}

@Suite("A process without root's privileges", .timeLimit(.minutes(10)))
struct ProcessTests {
    // Accessible to the user of the probe.
    private func agent(_ script: @escaping ScriptedAgent.Script) throws -> ScriptedAgent {
        let agent = try ScriptedAgent(showsServerInfo: true, script)
        chmod(agent.folder, 0o755)
        chmod(agent.path, 0o666)
        return agent
    }

    @Test("has the agent raise what the kernel refuses, and lowers the rest itself")
    func both() throws {
        let agent = try agent(serve)
        let lines = try run(
            "client-probe", ["apply-to", agent.path, "core=0:0", "nofile=300:300"],
            after: "ulimit -Sn 100; ulimit -Hn 200; ulimit -Sc 0; ulimit -Hc 2")
        // The script claims the raise without making it.
        #expect(
            lines == [
                "core 0:1024 -> 0:0 (kernel) = 0:0", "nofile 100:200 -> 300:300 (agent, rule \"script\") = 100:200",
            ])
        #expect(
            agent.requests.map(\.request.operation) == [
                .set(.caller, EditBatch([NumericEdit(.openFiles, soft: 300, hard: 300)]), lease: nil)
            ])
    }

    @Test("undoes its changes if the agent only claims that it raised")
    func lyingAgent() throws {
        let agent = try agent(serve)
        let lines = try run(
            "client-probe", ["apply-to", agent.path, "nofile=50:300"], after: "ulimit -Sn 100; ulimit -Hn 200")
        #expect(lines.first?.hasPrefix("deniedByKernel: ") == true, "\(lines)")
        #expect(lines.last == "nofile = 100:200")
    }

    @Test("needs no agent for what the kernel permits")
    func kernelOnly() throws {
        let agent = try agent(serve)
        let lines = try run(
            "client-probe", ["apply-to", agent.path, "nofile=200"], after: "ulimit -Sn 100; ulimit -Hn 200")
        #expect(lines == ["nofile 100:200 -> 200:200 (kernel) = 200:200"])
        #expect(agent.connections == 0)
    }

    @Test("gets what the kernel permits without an agent, and an error for more")
    func noAgent() throws {
        let preparation = "ulimit -Sn 100; ulimit -Hn 200"
        #expect(
            try run("client-probe", ["apply-to", "/nonexistent/a", "upto:nofile=300"], after: preparation) == [
                "nofile 100:200 -> 200:200 (kernel) = 200:200 short: agentUnreachable"
            ])
        let lines = try run("client-probe", ["apply-to", "/nonexistent/a", "nofile=300"], after: preparation)
        #expect(
            lines.first == "agentUnreachable: the kernel refuses nofile 300:300 for this process "
                + "(prlimit: Operation not permitted), and no agent answers at /nonexistent/a "
                + "(connect: No such file or directory)")
        #expect(lines.last == "nofile = 100:200")
    }

    @Test("keeps its connection after fork(2), and its child opens another one")
    func fork() throws {
        let agent = try agent(serve)
        // Each receives its own pid, and has one more socket than before.
        #expect(
            try run("client-probe", ["fork", agent.path]) == [
                "parent true 1", "child true 1", "status 0", "parent true 1",
            ])
        #expect(agent.connections == 2)
    }

    @Test("may fork while its threads make calls")
    func forkBusy() throws {
        let agent = try agent(serve)
        #expect(try run("client-probe", ["fork-busy", agent.path]) == ["failures 0"])
        #expect(agent.connections == 26)
    }
}
