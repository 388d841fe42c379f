import Foundation
import Glibc
import RlimitKernel
import RlimitModel
import ScriptedAgents
import Testing

@testable import RlimitClient

@Suite("The agent's socket", .timeLimit(.minutes(10)))
struct AgentSocketTests {
    @Test("that does not exist is reported with its path and the error of connect(2)")
    func absent() {
        let error = #expect(throws: RlimitError.self) {
            try BlockingLimitClient(socket: "/nonexistent/agent.sock").agentInfo()
        }
        #expect(error?.code == .agentUnreachable)
        #expect(error?.errno == ENOENT)
        #expect(
            error?.message == "no agent answers at /nonexistent/agent.sock (connect: No such file or directory)")
    }

    @Test(
        "at the standard path that does not exist is reported with the command that starts the agent",
        arguments: [ENOENT, ECONNREFUSED])
    func absentStandard(number: Int32) {
        let standard = RlimitError.unreachable(
            "/run/rlimitd/rlimitd.sock", SystemError(number: number, call: "connect"))
        #expect(standard.message.hasSuffix("; start it with: systemctl start rlimitd"))
        let other = RlimitError.unreachable("/run/other.sock", SystemError(number: number, call: "connect"))
        #expect(!other.message.contains("systemctl"))
    }

    @Test("never has a truncated path")
    func long() {
        let path = "/tmp/" + String(repeating: "x", count: 103)
        #expect(throws: RlimitError.self) { try BlockingLimitClient(socket: AgentSocket(path: path)).agentInfo() }
    }

    @Test("in a directory where other users may replace it is not trusted, unless its owner is .anyone")
    func openFolder() throws {
        let agent = try ScriptedAgent { session in try session.serve(SampleReplies.read) }
        #expect(try agent.client().limit(.openFiles) == SampleReplies.limit)
        for (mode, trusted) in [(0o777, false), (0o1777, true), (0o775, false), (0o755, true), (0o702, false)] {
            chmod(agent.folder, mode_t(mode))
            let client = agent.client()
            if trusted {
                #expect(try client.limit(.openFiles) == SampleReplies.limit)
                continue
            }
            let error = #expect(throws: RlimitError.self) { try client.limit(.openFiles) }
            #expect(error?.code == .untrustedSocket)
            #expect(error?.message.contains(agent.folder) == true)
            let trusting = BlockingLimitClient(
                socket: AgentSocket(path: agent.path, owner: .anyone), strategy: .agentOnly)
            #expect(try trusting.limit(.openFiles) == SampleReplies.limit)
        }
    }

    @Test("is not a symbolic link")
    func link() throws {
        let agent = try ScriptedAgent { session in try session.serve(SampleReplies.read) }
        let path = agent.folder + "/link"
        #expect(symlink(agent.path, path) == 0)
        let error = #expect(throws: RlimitError.self) {
            try BlockingLimitClient(socket: AgentSocket(path: path)).agentInfo()
        }
        #expect(error?.code == .untrustedSocket)
    }

    @Test("has the path of RLIMITD_SOCKET, or else the path of the installed agent")
    func standard() throws {
        #expect(try run("client-probe", ["socket"], environment: ["RLIMITD_SOCKET": "/x/y"]) == ["/x/y"])
        #expect(try run("client-probe", ["socket"]) == ["/run/rlimitd/rlimitd.sock"])
        #expect(
            try run("client-probe", ["socket"], environment: ["RLIMITD_SOCKET": ""]) == ["/run/rlimitd/rlimitd.sock"])
    }
}
