import CTestKernel
import Foundation
import RlimitModel
import RlimitWire
import SeededRandom
import Testing

/// Peers that try to harm the agent or other peers.
@Suite("Hostile peers", .serialized)
struct HostilePeerTests {
    /// The maximum time of a response for another user. It leaves room for a busy machine.
    private static let maxDelay = Duration.seconds(15)

    /// Whether another user is served in time.
    private func serves(_ agent: AgentProcess, user: UInt32 = Account.bob.uid) throws -> Bool {
        let start = ContinuousClock.now
        let isAnswered = try RawConnection(to: agent.socket, asUser: user).isAnswered()
        return isAnswered && ContinuousClock.now - start < Self.maxDelay
    }

    @Test func `A frame that grows slowly is closed after two seconds, and other peers are served`() throws {
        let agent = try AgentProcess(policy: Policies.highQuota)
        let slow = try (0..<50).map { _ in try RawConnection(to: agent.socket) }
        let start = ContinuousClock.now
        // The header of a frame of 4096 bytes, which then grows by a byte at a time. If a byte extended the time limit,
        // the connection would stay open until the frame is complete.
        for connection in slow { try connection.send([0, 0, 0x10, 0]) }
        try waitUntil("the agent has closed all incomplete frames") {
            let isServed = try serves(agent)
            #expect(isServed)
            let open = slow.filter { !$0.isReadable }
            for connection in open { connection.sendWithoutWaiting([1]) }
            usleep(100_000)
            return open.isEmpty
        }
        #expect(ContinuousClock.now - start > .milliseconds(1500))
        for connection in slow {
            #expect(try connection.nextError()?.code == .malformed)
            #expect(try connection.response() == nil)
        }
        #expect(try serves(agent))
    }

    @Test func `Responses for a peer that stopped reading are never sent to another peer`() throws {
        let agent = try AgentProcess(policy: Policies.highQuota)
        let neighbour = try RawConnection(to: agent.socket)
        let threads = Threads(100)
        // Its response comes later, without a further request.
        let deaf = try RawConnection(to: agent.socket)
        shutdown(deaf.descriptor, Int32(SHUT_RD))
        try deaf.send(RequestBytes.frame(.usage(.caller, .process), id: 7))
        // So does the error for a frame that is never completed.
        let incomplete = try RawConnection(to: agent.socket)
        shutdown(incomplete.descriptor, Int32(SHUT_RD))
        try incomplete.send([0])
        let start = ContinuousClock.now
        var id: UInt64 = 100
        while ContinuousClock.now - start < .seconds(3) {
            try neighbour.send(RequestBytes.frame(.serverInfo, id: id))
            let response = try #require(try neighbour.decodedResponse())
            #expect(response.id == id)
            id += 1
            usleep(50_000)
        }
        withExtendedLifetime((deaf, incomplete, threads)) {}
    }

    @Test func `A thousand requests in one write are all answered, in order`() throws {
        let agent = try AgentProcess(policy: Policies.highQuota)
        let connection = try RawConnection(to: agent.socket)
        try connection.send(try (1...1000).flatMap { try RequestBytes.frame(.serverInfo, id: UInt64($0)) })
        for id in 1...1000 { #expect(try connection.decodedResponse()?.id == UInt64(id)) }
        #expect(try connection.isAnswered())
    }

    @Test func `Peers that never read cost a bounded amount of memory, and other peers are served`() throws {
        let agent = try AgentProcess(policy: Policies.highQuota)
        let before = try agent.files.residentBytes
        let many = try (0..<500).flatMap { try RequestBytes.frame(.serverInfo, id: UInt64($0)) }
        let peers = try (0..<50).map { _ in try RawConnection(to: agent.socket) }
        for _ in 0..<20 {
            for peer in peers { _ = peer.sendWithoutWaiting(many) }
            #expect(try serves(agent))
        }
        #expect(try agent.files.residentBytes - before < 50 * 256 * 1024)
        // The agent sends responses until the socket buffers are full. Then it must not spin on peers that do not read.
        try waitUntil("the agent becomes idle") {
            let time = try agent.files.processorTime
            usleep(500_000)
            return try agent.files.processorTime - time < 0.1
        }
        withExtendedLifetime(peers) {}
    }

    @Test func `Ten thousand closed connections leave no descriptor and no memory behind`() throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        #expect(try serves(agent))
        let held = try agent.files.descriptors
        for count in 0..<10_000 {
            let connection = try RawConnection(to: agent.socket)
            if count % 3 == 0 { try connection.send([0, 0]) }
            if count % 3 == 1 { try connection.send(RawConnection.serverInfoRequest) }
        }
        // Hundreds of connections can still wait to be accepted, and a new one waits behind them.
        try waitUntil("a new connection is served") { (try? serves(agent)) == true }
        try waitUntil("all descriptors are closed") { try agent.files.descriptors <= held }
        #expect(try agent.files.residentBytes < 64 << 20)
    }

    @Test func `Connections above the quota are answered QUOTA_EXCEEDED and closed, also after many closed ones`()
        throws
    {
        let agent = try AgentProcess(policy: Policies.nothing + "[quota]\nconnections = 5\n")
        let user = Account.alice.uid
        let start = ContinuousClock.now
        while ContinuousClock.now - start < .milliseconds(1300) {
            _ = try RawConnection(to: agent.socket, asUser: user).isAnswered()
            usleep(5000)
        }
        var first: [RawConnection] = []
        try waitUntil("five connections are served") {
            // While the agent still counts a closed connection, it refuses a new one.
            if let connection = try? RawConnection(to: agent.socket, asUser: user), (try? connection.isServed()) == true
            {
                first.append(connection)
            }
            return first.count == 5
        }
        let again = ContinuousClock.now
        while ContinuousClock.now - again < .milliseconds(1300) {
            let refused = try RawConnection(to: agent.socket, asUser: user)
            let error = try refused.nextError()
            #expect(error?.code == .quotaExceeded)
            if error?.code != .quotaExceeded { break }
            #expect(try refused.response() == nil)
            usleep(20_000)
        }
        for connection in first { #expect(try connection.isServed()) }
        #expect(try serves(agent))
    }

    @Test func `Requests above the quota are answered with a time to retry, also over new connections`() throws {
        let agent = try AgentProcess(policy: Policies.nothing + "[quota]\nrequests_per_second = 20\n")
        let user = Account.alice.uid
        let start = ContinuousClock.now
        var answered = 0
        var refused = 0
        while ContinuousClock.now - start < .seconds(3) {
            let connection = try RawConnection(to: agent.socket, asUser: user)
            for id in 1...50 {
                try connection.send(try RequestBytes.frame(.serverInfo, id: UInt64(id)))
                switch try connection.decodedResponse()?.outcome {
                case .success: answered += 1
                case .failure(let error):
                    #expect(error.code == .rateLimited)
                    #expect(error.retryAfter ?? .zero > .zero)
                    refused += 1
                case nil: Issue.record("the agent closed the connection")
                }
            }
            usleep(20_000)
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        #expect(Double(answered) <= 20 + 20 * seconds + 1)
        #expect(answered >= 20 && refused > 0)
        #expect(try serves(agent))
    }

    @Test func `Valid and broken frames of one user do not delay another user`() throws {
        let agent = try AgentProcess(policy: Policies.highQuota)
        let seed = UInt64.random(in: 0...999_999)
        print("frames of seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let valid = try [
            RequestBytes.frame(.serverInfo), RequestBytes.frame(.get(.caller, .all)),
            RequestBytes.frame(.usage(.caller, .process)), RequestBytes.frame(.stats),
            RequestBytes.frame(
                .set(.caller, EditBatch([NumericEdit(.openFiles, soft: 1, mode: .atLeast)]), lease: nil)),
            RequestBytes.frame(.prlimit(.pid(77), .openFiles, Limit(1))), RequestBytes.set(processNumber: 5),
        ]
        let start = ContinuousClock.now
        var maxDelay = Duration.zero
        var broken = 0
        while ContinuousClock.now - start < .seconds(5) || broken <= 100 {
            let connection = try RawConnection(to: agent.socket, asUser: Account.alice.uid)
            for _ in 0..<4 { _ = connection.sendWithoutWaiting(random.pick(valid)) }
            var mutated = random.pick(valid)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                mutated[Int.random(in: 0..<mutated.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            _ = connection.sendWithoutWaiting(mutated)
            broken += 1
            if broken % 20 == 0 {
                let asked = ContinuousClock.now
                #expect(try RawConnection(to: agent.socket, asUser: Account.bob.uid).isAnswered())
                maxDelay = max(maxDelay, ContinuousClock.now - asked)
            }
        }
        #expect(maxDelay < Self.maxDelay)
        #expect(agent.isRunning)
    }

    @Test func `A user that opens every connection it can does not exclude another user`() throws {
        let agent = try AgentProcess(policy: Policies.highQuota, prefix: ["prlimit", "--nofile=128:128"])
        var held: [RawConnection] = []
        for _ in 0..<120 { held.append(try RawConnection(to: agent.socket, asUser: Account.alice.uid)) }
        #expect(try serves(agent))
        let time = try agent.files.processorTime
        usleep(1_000_000)
        #expect(try agent.files.processorTime - time < 0.2)
        #expect(try serves(agent))
        withExtendedLifetime(held) {}
    }

    @Test(arguments: ["pipe", "socket"])
    func `A full log pipe and then a closed one do not stop the agent`(kind: String) throws {
        var ends: [Int32] = [0, 0]
        #expect((kind == "pipe" ? tk_pipe(&ends) : tk_socket_pair(&ends)) == 0)
        // A blocking descriptor, as a service manager passes it.
        #expect(fcntl(ends[1], F_SETFL, fcntl(ends[1], F_GETFL) & ~O_NONBLOCK) == 0)
        let agent = try AgentProcess(policy: Policies.highQuota, errorFile: ends[1])
        close(ends[1])
        for _ in 0..<2000 {
            let bad = try RawConnection(to: agent.socket)
            try bad.send([0xff, 0xff, 0xff, 0xff])
            #expect(try bad.nextError()?.code == .malformed)
        }
        #expect(try serves(agent), "the \(kind) is full and not read")
        var line = [UInt8](repeating: 0, count: 5)
        #expect(read(ends[0], &line, line.count) == 5 && line == Array("time=".utf8))
        close(ends[0])
        for _ in 0..<10 {
            let bad = try RawConnection(to: agent.socket)
            try bad.send([0xff, 0xff, 0xff, 0xff])
            #expect(try bad.nextError()?.code == .malformed)
        }
        #expect(try serves(agent), "the \(kind) is broken")
        #expect(agent.isRunning)
    }

    @Test func `A second agent does not start with the state folder of a running one`() throws {
        let agent = try AgentProcess(policy: Policies.highQuota)
        let second = try ChildProcess.run(agent.folder.command(options: ["--allow-no-capability"]))
        #expect(second.status == 1)
        #expect(second.error.contains("another agent uses the state folder"), "\(second.error)")
        #expect(try serves(agent))
    }

    @Test func `The error text of a program that inherited the socket is not a request`() throws {
        let agent = try AgentProcess(policy: Policies.highQuota)
        let connection = try RawConnection(to: agent.socket)
        let program = try ChildProcess(["ls", "/nonexistent"], errorFile: connection.descriptor)
        #expect(try program.wait().status != 0)
        #expect(try connection.nextError()?.code == .malformed)
        #expect(try connection.response() == nil)
        #expect(try serves(agent))
    }

    @Test func `A peer that disconnects right after its request leaves no descriptor behind`() throws {
        let agent = try AgentProcess(policy: Policies.highQuota)
        #expect(try serves(agent))
        let held = try agent.files.descriptors
        let request = try (1...20).flatMap { try RequestBytes.frame(.get(.caller, .all), id: UInt64($0)) }
        for _ in 0..<200 { try RawConnection(to: agent.socket).send(request) }
        let script = """
            use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un($ARGV[0])) or exit 1;
            syswrite(S, pack("C*", 0, 0, 0, 4, 8, 1, 0x1a, 0) x 100); kill 9, $$;
            """
        for _ in 0..<5 {
            let words = Account.alice.setpriv + ["perl", "-e", script, agent.socket]
            let ended = try ChildProcess.run(words)
            #expect(ended.status == 128 + SIGKILL, "\(ended.error)")
        }
        try waitUntil("all descriptors are closed") { try agent.files.descriptors <= held }
        #expect(try serves(agent))
    }

    @Test func `A peer with a different effective user gets server_info and nothing else`() throws {
        let agent = try AgentProcess(policy: Policies.openFiles(900_000))
        let connection = try RawConnection(to: agent.socket, asUser: Account.served.uid)
        #expect(try connection.isAnswered())
        for operation: Request.Operation in [
            .get(.caller, .all), .usage(.caller, .process), .stats, .prlimit(.caller, .openFiles, Limit(1)),
        ] {
            try connection.send(try RequestBytes.frame(operation))
            #expect(try connection.nextError()?.code == .deniedByPolicy, "\(operation)")
        }
    }

    @Test func `Invalid pids, process 1, the agent and kernel threads are never changed`()
        throws
    {
        let agent = try AgentProcess(
            policy: Policies.nothing + """
                [[allow]]
                name = "root may do everything"
                caller.users = [0]
                target = { relation = "any", users = ["0-4294967294"] }
                limits.nofile = "max"
                """)
        let connection = try RawConnection(to: agent.socket)
        let first = try ProcessFiles(pid: 1).limit("Max open files")
        let own = try agent.files.limit("Max open files")
        let numbers: [UInt64] = [
            0, 1, 2, UInt64(UInt32.max), .max, 1 << 31, 1 << 32, 1 << 32 + 1, 1 << 63, 4_194_305, UInt64(agent.pid),
            UInt64(agent.pid) + 1 << 32,
        ]
        for number in numbers {
            try connection.send(RequestBytes.set(processNumber: number))
            let error = try connection.nextError()
            #expect(error != nil, "process \(number)")
            #expect(error?.code != .malformed && error?.code != .internalError, "process \(number): \(error as Any)")
        }
        #expect(try ProcessFiles(pid: 1).limit("Max open files") == first)
        #expect(try agent.files.limit("Max open files") == own)
    }
}
