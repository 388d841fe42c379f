import CTestKernel
import Foundation
import RlimitModel
import RlimitWire
import Testing

/// Descriptors that a peer sends and the agent does not expect.
@Suite("Hostile descriptors", .serialized)
struct HostileDescriptorTests {
    /// A rule for root, which runs these tests, grants operations on other processes, so the agent accepts its pidfds.
    private static let takesPidfds = """
        version = 1
        [quota]
        connections = 1000
        requests_per_second = 1000000
        [[allow]]
        name = "all processes"
        caller.users = [0]
        target = "any"
        operations = ["get", "set"]
        limits.nofile = 100
        """

    private func get(_ id: UInt64 = 1) throws -> [UInt8] { try RequestBytes.frame(.get(.attachedPidfd, .all), id: id) }

    @Test func `An agent without a rule for other processes closes a received descriptor at once`() throws {
        // First shows that the count works: an agent that accepts descriptors holds one until the frame is complete.
        let accepting = try AgentProcess(policy: Self.takesPidfds)
        let sender = try RawConnection(to: accepting.socket)
        #expect(try sender.isAnswered())
        let before = try accepting.files.descriptors
        let event = tk_event_descriptor()
        defer { close(event) }
        try sender.send(Array(try get().prefix(5)), with: [event])
        try waitUntil("the descriptor arrives") { try accepting.files.descriptors == before + 1 }

        let agent = try AgentProcess(policy: Policies.nothing)
        let peer = try RawConnection(to: agent.socket)
        #expect(try peer.isAnswered())
        let held = try agent.files.descriptors
        try peer.send(Array(try get().prefix(5)), with: [event])
        // Another thread closes the descriptor, so it can be open for a moment. It is not kept until the frame is
        // complete.
        try waitUntil("the descriptor is closed") { try agent.files.descriptors <= held }
        try peer.send(Array(try get().dropFirst(5)))
        #expect(try peer.nextError()?.code == .deniedByPolicy)
        #expect(try peer.isAnswered())
    }

    @Test func `A descriptor that is not the pidfd of a process is refused, and the connection is closed`() throws {
        let agent = try AgentProcess(policy: Self.takesPidfds)
        #expect(try RawConnection(to: agent.socket).isAnswered())
        let held = try agent.files.descriptors
        let kinds: [(String, Int32)] = [
            ("a file", open("/etc/passwd", O_RDONLY | O_CLOEXEC)), ("an eventfd", tk_event_descriptor()),
            ("a folder of /proc", open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
            ("O_PATH", tk_open_path_only("/proc/self")), ("a thread's pidfd", tk_pidfd_of_thread(getpid())),
            ("a socket", Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)),
        ]
        for (kind, descriptor) in kinds where !(kind == "a thread's pidfd" && descriptor == -EINVAL) {
            #expect(descriptor >= 0, "\(kind)")
            let peer = try RawConnection(to: agent.socket)
            try peer.send(try get(), with: [descriptor])
            #expect(try peer.nextError()?.code == .malformed, "\(kind)")
            #expect(try peer.response() == nil, "\(kind)")
            close(descriptor)
        }
        try waitUntil("all descriptors are closed") { try agent.files.descriptors <= held }
    }

    @Test func `A descriptor belongs to the one frame that names it`() throws {
        let agent = try AgentProcess(policy: Self.takesPidfds)
        let sample = try SampleProcess(as: .agent)
        let pidfd = tk_pidfd_of_process(sample.pid)
        defer { close(pidfd) }
        func answers(_ send: (RawConnection) throws -> Void) throws -> [RlimitError.Code?] {
            let peer = try RawConnection(to: agent.socket)
            try send(peer)
            shutdown(peer.descriptor, Int32(SHUT_WR))
            var codes: [RlimitError.Code?] = []
            while let response = try peer.decodedResponse() {
                if case .failure(let error) = response.outcome { codes.append(error.code) } else { codes.append(nil) }
            }
            return codes
        }
        #expect(try answers { try $0.send(try get(), with: [pidfd]) } == [nil])
        #expect(try answers { try $0.send(try get(), with: [pidfd, pidfd]) } == [.malformed], "two descriptors")
        #expect(try answers { try $0.send(RawConnection.serverInfoRequest, with: [pidfd]) } == [.malformed])
        #expect(try answers { try $0.send(try get()) } == [.malformed], "no descriptor")
        #expect(
            try answers { try $0.send(try get() + RawConnection.serverInfoRequest, with: [pidfd]) }
                .contains(.malformed), "with a second frame in the same message")
        #expect(
            try answers {
                try $0.send(Array(try get().prefix(3)))
                // Otherwise the agent can receive both parts in one call.
                try $0.waitUntilRead()
                try $0.send(Array(try get().dropFirst(3)), with: [pidfd])
            }.contains(.malformed), "with the rest of a frame")
        #expect(
            try answers {
                try $0.send(RawConnection.serverInfoRequest)
                try $0.send(try get(), with: [pidfd])
            } == [nil, nil], "right after another frame")
    }

    @Test func `A pidfd with an invalid request gets one error, and the connection stays open`() throws {
        let agent = try AgentProcess(policy: Self.takesPidfds)
        let sample = try SampleProcess(as: .agent)
        let pidfd = tk_pidfd_of_process(sample.pid)
        defer { close(pidfd) }
        let peer = try RawConnection(to: agent.socket)
        #expect(try peer.isAnswered())
        let held = try agent.files.descriptors
        let impossible = EditBatch([NumericEdit(.openFiles, soft: 2, hard: 1)])
        for _ in 0..<3 {
            try peer.send(try RequestBytes.frame(.set(.attachedPidfd, impossible, lease: nil)), with: [pidfd])
            #expect(try peer.nextError()?.errno == EINVAL)
        }
        #expect(try peer.isAnswered())
        try waitUntil("all descriptors are closed") { try agent.files.descriptors <= held }
    }

    @Test func `A thousand hostile messages leave no descriptor behind`() throws {
        let agent = try AgentProcess(policy: Self.takesPidfds)
        #expect(try RawConnection(to: agent.socket).isAnswered())
        let held = try agent.files.descriptors
        let event = tk_event_descriptor()
        let pidfd = tk_pidfd_of_process(getpid())
        defer {
            close(event)
            close(pidfd)
        }
        for count in 0..<1000 {
            let peer = try RawConnection(to: agent.socket)
            let sent = Array(repeating: count % 2 == 0 ? event : pidfd, count: [1, 2, 3, 253][count % 4])
            switch count % 5 {
            case 0: try peer.send([0], with: sent)
            case 1: try peer.send(RawConnection.serverInfoRequest, with: sent)
            case 2: try peer.send(try get(), with: sent)
            case 3: try peer.send(RequestBytes.frame(of: [0xff]), with: sent)
            default:
                try peer.send(Array(try get().prefix(4)), with: sent)
                // The agent closes a connection that sends more than one descriptor, so this can fail.
                try? peer.send(Array(try get().dropFirst(4)), with: sent)
            }
        }
        // Hundreds of connections can still wait to be accepted, and a new one waits behind them.
        try waitUntil("a new connection is answered") {
            (try? RawConnection(to: agent.socket).isAnswered()) == true
        }
        try waitUntil("all descriptors are closed") { try agent.files.descriptors <= held }
    }
}
