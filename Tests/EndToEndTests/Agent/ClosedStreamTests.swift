import Foundation
import Testing

/// Programs that are started with some of the descriptors 0, 1 and 2 closed.
@Suite("Closed standard streams")
struct ClosedStreamTests {
    /// The words that, put before a command, run it with these descriptors closed.
    private static func closing(_ streams: [Int32]) -> [String] {
        ["sh", "-c", "exec \"$@\" " + streams.map { "\($0)>&-" }.joined(separator: " "), "sh"]
    }

    @Test(arguments: [[0], [1], [0, 1]] as [[Int32]])
    func `The agent serves without standard input or output, and no descriptor of its own has their numbers`(
        closed: [Int32]
    ) throws {
        let agent = try AgentProcess(policy: Policies.nothing, prefix: Self.closing(closed))
        for stream in closed {
            let target = try FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/\(agent.pid)/fd/\(stream)")
            #expect(target == "/")
        }
        let bad = try RawConnection(to: agent.socket)
        let other = try RawConnection(to: agent.socket)
        try bad.send([0, 0, 0, 0])
        _ = try bad.response()
        _ = try agent.logLine(containing: "verdict=fault")
        #expect(!other.isReadable, "no line of the log goes to a connection")
        #expect(try other.isServed())
        agent.send(SIGTERM)
        #expect(try agent.wait().status == 0)
    }

    @Test(arguments: [[2], [0, 2], [1, 2], [0, 1, 2]] as [[Int32]])
    func `The agent does not start without standard error, because it could log no change`(closed: [Int32]) throws {
        let folder = try AgentFolder(policy: Policies.nothing)
        let result = try ChildProcess.run(Self.closing(closed) + folder.command(options: ["--allow-no-capability"]))
        #expect(result.status == 1)
        #expect(result.output.contains("2>/dev/null") == !closed.contains(1), "\(result.output)")
        #expect(!FileManager.default.fileExists(atPath: folder.socket))
    }

    @Test func `The agent starts with its log in /dev/null`() throws {
        let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer { close(null) }
        let agent = try AgentProcess(policy: Policies.nothing, errorFile: null)
        #expect(try RawConnection(to: agent.socket).isServed())
    }

    @Test(arguments: [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]] as [[Int32]])
    func `The tool writes nothing to the agent that it means for a closed stream`(closed: [Int32]) throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        let environment = ["RLIMITD_SOCKET": agent.socket, "SUDO_UID": ""]
        for words in [["status"], ["get", "--agent", "--pid", "1"], ["get", "--agent"]] {
            let result = try ChildProcess.run(
                Account.served.setpriv + Self.closing(closed) + [try Programs.rlimitctl] + words,
                environment: environment)
            if closed.contains(1) { #expect(result.status != 0, "the output was lost") }
        }
        #expect(try RawConnection(to: agent.socket).isServed())
        #expect(!agent.log.contains("fault"), "\(agent.log)")
    }

    @Test func `A command that the tool runs finds closed what was closed`() throws {
        let result = try ChildProcess.run(
            Self.closing([0]) + [try Programs.rlimitctl, "run", "core=0:", "--", "sh", "-c", "test -e /proc/self/fd/0"])
        #expect(result.status == 1, "\(result.error)")
    }
}
