import Foundation
import Testing

/// Peers that misbehave, many peers, and peers with an unclear identity.
@Suite("Peers")
struct PeersTests {
    @Test(arguments: [
        ("text", Array("GET / HTTP/1.1\r\n\r\n".utf8)),
        ("a length of zero", [0, 0, 0, 0]),
        ("a length above the limit", [0, 0, 0x10, 1]),
        ("the maximum length", [0xff, 0xff, 0xff, 0xff]),
        ("a frame of noise", [0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff]),
    ])
    func `Garbage is answered MALFORMED and closes only its own connection`(what: String, bytes: [UInt8]) throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        let good = try RawConnection(to: agent.socket)
        try good.send(RawConnection.serverInfoRequest)
        #expect(try good.response() != nil)

        let bad = try RawConnection(to: agent.socket)
        try bad.send(bytes)
        let answer = try ResponseBytes(try #require(try bad.response(), "\(what) got no answer"))
        #expect(answer.errorCode == ResponseBytes.malformed, "\(what)")
        #expect(try bad.response() == nil, "\(what) was not closed")

        try good.send(RawConnection.serverInfoRequest)
        #expect(try good.response() != nil)
    }

    @Test func `An incomplete frame delays no other connection`() throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        let halves = try (0..<20).map { _ in try RawConnection(to: agent.socket) }
        for half in halves { try half.send([0, 0, 0]) }
        let good = try RawConnection(to: agent.socket)
        try good.send(RawConnection.serverInfoRequest)
        #expect(try good.response() != nil)
        for half in halves {
            try half.send([4, 0x08, 1, 0x5a, 0])
            #expect(try half.response() != nil)
        }
    }

    @Test func `A request that arrives byte by byte is answered`() throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        let connection = try RawConnection(to: agent.socket)
        for byte in RawConnection.serverInfoRequest { try connection.send([byte]) }
        #expect(try connection.response() != nil)
    }

    @Test func `Two hundred connections are served at once`() throws {
        let agent = try AgentProcess(policy: Policies.nothing + "[quota]\nconnections = 1000\n")
        let connections = try (0..<200).map { _ in try RawConnection(to: agent.socket) }
        for _ in 0..<3 {
            for connection in connections { try connection.send(RawConnection.serverInfoRequest) }
            for connection in connections { #expect(try connection.response() != nil) }
        }
        #expect(agent.isRunning)
    }

    @Test func `A caller in ten thousand groups gets the first 8192 in the response`()
        throws
    {
        let policy = "version = 1\n[[allow]]\nname = \"g\"\ncaller.groups = [209999]\nlimits.core = \"5G\"\n"
        let agent = try AgentProcess(policy: policy)
        let many = Account(uid: Account.bob.uid, gid: Account.bob.gid, groups: (200_000..<210_000).map { $0 })
        let rlimitctl = Rlimitctl(agent, as: many)
        let status = try rlimitctl("--json", "status")
        try #require(status.status == 0, "\(status.error)")
        let groups = try JSONObject(status.output)["caller"]["groups"]
        #expect(groups[0].number == 200_000 && groups[8191].number == 208_191 && groups[8192].number == nil)
        // The agent stores the equal lists of both connections once.
        #expect(try rlimitctl("--json", "status").status == 0)
    }

    @Test func `Closed connections leave no descriptor behind`() throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        let open = try (0..<10).map { _ in try RawConnection(to: agent.socket) }
        for connection in open { #expect(try connection.isAnswered()) }
        let held = try agent.files.descriptors
        #expect(held >= 10, "the test does not count descriptors")
        for _ in 0..<200 { #expect(try RawConnection(to: agent.socket).isAnswered()) }
        try waitUntil("only the open connections have descriptors") { try agent.files.descriptors <= held }
        #expect(try agent.files.descriptors == held)
        withExtendedLifetime(open) {}
    }

    @Test func `A request with an unknown field is refused, and the connection stays open`() throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        let connection = try RawConnection(to: agent.socket)
        try connection.send([0, 0, 0, 7, 0x08, 1, 0x5a, 0, 0xa0, 6, 1])
        let answer = try ResponseBytes(try #require(try connection.response()))
        #expect(answer.errorCode == ResponseBytes.unsupported)
        #expect(try connection.isAnswered())
    }

    @Test func `A peer with different real and effective ids gets server_info and nothing else`() throws {
        let agent = try AgentProcess(policy: Policies.openFiles(900_000))
        let mixed = ["setpriv", "--ruid=64001", "--euid=64002", "--regid=64001", "--clear-groups", "--"]
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=4096:4096"])
        func run(_ words: String...) throws -> ChildProcess.Result {
            try ChildProcess.run(mixed + [try Programs.rlimitctl, "--json", "--socket", agent.socket] + words)
        }
        let status = try run("status")
        #expect(status.status == 0, "\(status.error)")
        #expect(try JSONObject(status.output)["caller"]["hasMixedIDs"].number == 1)
        let get = try run("get", "--agent", "--pid", "\(sample.pid)")
        #expect(get.status == 77, "\(get.output)\(get.error)")
    }

    @Test func `The status shows each caller its own ids and groups`() throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        let result = try Rlimitctl(agent, as: .alice.member(of: 70_000, 70_001))("--json", "status")
        #expect(result.status == 0, "\(result.error)")
        let caller = try JSONObject(result.output)["caller"]
        #expect(caller["uid"].number == Int(Account.alice.uid))
        #expect(caller["gid"].number == Int(Account.alice.gid))
        #expect(caller["groups"][0].number == 70_000)
        #expect(caller["groups"][1].number == 70_001)
        #expect(caller["hasMixedIDs"].number == 0)
    }
}
