import CTestKernel
import Foundation
import RlimitModel
import RlimitWire
import Testing

/// Peers that do not read, peers that read slowly, and peers that send frames in parts.
@Suite("Slow peers")
struct SlowPeersTests {
    private static let info = RawConnection.serverInfoRequest

    @Test func `A client that pipelines, and whose every write ends within a frame, is served without end`() throws {
        let agent = try AgentProcess(policy: Policies.highQuota)
        let client = try RawConnection(to: agent.socket)
        try client.send([UInt8](Self.info.prefix(3)))
        let start = ContinuousClock.now
        var count = 0
        // Longer than the time limit of a frame, by several checks.
        while ContinuousClock.now - start < .seconds(5) {
            // One complete frame, which the agent processes in any turn, and the beginning of the next one.
            try client.send([UInt8](Self.info.dropFirst(3) + Self.info.prefix(3)))
            guard case .success = try client.decodedResponse()?.outcome else {
                Issue.record("the connection was closed after \(count) responses")
                return
            }
            count += 1
            usleep(20_000)
        }
        try client.send([UInt8](Self.info.dropFirst(3)))
        #expect(try client.response() != nil)
    }

    @Test func `A slow reader is served for as long as it reads, and a peer that reads nothing is ended`() throws {
        let agent = try AgentProcess(
            policy: Policies.nothing + "[quota]\nconnections = 2\nrequests_per_second = 1000000\n")
        let user = Account.alice.uid
        let reader = try RawConnection(to: agent.socket, asUser: user)
        let deaf = try RawConnection(to: agent.socket, asUser: user)
        // The last frame is not complete until the reader has read everything.
        let requests = try (1...2000).flatMap { try RequestBytes.frame(.serverInfo, id: UInt64($0)) }
        for peer in [reader, deaf] { try peer.send([UInt8](requests.dropLast(2))) }
        var read = 0
        let start = ContinuousClock.now
        while !agent.log.contains("has not read its responses") {
            // Slower than a message of the kernel in a second.
            for _ in 0..<4 {
                read += 1
                #expect(try reader.decodedResponse()?.id == UInt64(read), "the slow reader was not served")
            }
            usleep(500_000)
            guard ContinuousClock.now - start < .seconds(120) else {
                Issue.record("the peer that reads nothing was not ended:\n\(agent.log)")
                return
            }
        }
        #expect(ContinuousClock.now - start > .seconds(25))
        let line = try agent.logLine(containing: "has not read its responses")
        #expect(line.contains("peer_uid=\(user)") && line.contains("operation=send"), "\(line)")
        // The kernel keeps what the ended peer has not read, so the peer's connection still counts.
        #expect(try RawConnection(to: agent.socket, asUser: user).nextError()?.code == .quotaExceeded)
        while read < 1999 {
            read += 1
            #expect(try reader.decodedResponse()?.id == UInt64(read))
        }
        try reader.send([UInt8](requests.suffix(2)))
        #expect(try reader.decodedResponse()?.id == 2000)
        // It reads what was sent before the end, and frees its connection.
        while try deaf.response() != nil {}
        try waitUntil("the connection no longer counts") {
            (try? RawConnection(to: agent.socket, asUser: user).isServed()) == true
        }
    }

    @Test func `Peers above the quota that never read the reason cost a bounded amount of memory`() throws {
        let agent = try AgentProcess(policy: Policies.nothing + "[quota]\nconnections = 1\n")
        let user = Account.alice.uid
        let first = try RawConnection(to: agent.socket, asUser: user)
        #expect(try first.isServed())
        let deaf = try (0..<60).map { _ in try RawConnection(to: agent.socket, asUser: user) }
        try waitUntil("the agent has ended all") { deaf.allSatisfy(\.isReadable) }
        let told = deaf.filter { $0.unreadBytes > 0 }
        #expect(1...8 ~= told.count, "\(told.count) of \(deaf.count) have the reason")
        // After they have read it, the next one is told the reason again.
        for peer in told { #expect(try peer.nextError()?.code == .quotaExceeded) }
        #expect(try RawConnection(to: agent.socket, asUser: user).nextError()?.code == .quotaExceeded)
        #expect(try first.isServed())
    }

    @Test func `A request whose timeout passes while it waits behind others is not carried out`() throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        let threads = Threads(400)
        let connection = try RawConnection(to: agent.socket)
        let get = Request.Operation.get(.caller, ResourceSet([.openFiles]))
        // The second long request waits for the first one, and the get behind it.
        try connection.send(
            RequestBytes.frame(.usage(.caller, .process), id: 1) + RequestBytes.frame(.usage(.caller, .process), id: 2)
                + RequestBytes.frame(get, id: 3, timeout: .milliseconds(1)))
        var outcomes: [UInt64: RlimitError.Code?] = [:]
        while outcomes.count < 3 {
            let response = try #require(try connection.decodedResponse())
            outcomes[response.id] = response.outcome.refusal
        }
        #expect(outcomes[1] == .some(nil) && outcomes[2] == .some(nil))
        #expect(outcomes[3] == .deadlineExceeded)
        withExtendedLifetime(threads) {}
    }
}

extension RawConnection {
    /// The number of bytes that can be read now. ioctl(2) with FIONREAD.
    var unreadBytes: Int {
        var count: Int32 = 0
        return ioctl(descriptor, UInt(FIONREAD), &count) == 0 ? Int(count) : 0
    }
}
