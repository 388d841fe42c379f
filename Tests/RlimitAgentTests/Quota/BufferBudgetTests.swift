import Foundation
import RlimitKernel
import RlimitModel
import RlimitPolicy
import Testing

@testable import RlimitAgent

@Suite("Buffers of peers that do not read")
struct BufferBudgetTests {
    private let now = BootInstant.now

    /// A session of the agent, and its peer's end.
    private final class Connection {
        let session: Session
        let peer: StreamSocket

        init(uid: UInt32, of tenantUsage: TenantUsage? = nil) throws {
            let path = NSTemporaryDirectory() + "buffers-\(UUID().uuidString).sock"
            let listener = try Listener(path: path)
            peer = try StreamSocket.connect(to: path, timeout: .seconds(5))
            listener.removePath()
            guard let socket = try listener.accept() else { throw SystemError(number: 11, call: "accept") }
            let identity = Peer(pid: 2, uid: uid, gid: uid)
            session = Session(
                socket: socket, identity, peerProcess: nil,
                tenantUsage: tenantUsage
                    ?? TenantUsage(Tenant(identity, .baselineOnly), ratePerSecond: 1, now: .now),
                mayAttachPidfd: false)
        }

        /// Sends a response of this many bytes, as far as the socket accepts it.
        func send(_ count: Int, _ budget: inout BufferBudget, now: BootInstant = .now) throws {
            var replies = ReplySender()
            replies.beginSession()
            while replies.end < count { replies.append(Response(id: 0, .failure(.responsesNotRead))) }
            _ = try replies.send(replies.sessionBytes, to: session)
            budget.update(session, now: now)
        }

        func readAll() throws {
            var bytes = [UInt8](repeating: 0, count: 65536)
            while case .bytes = try bytes.withUnsafeMutableBytes({ try peer.receive(into: $0) }) {}
        }
    }

    /// Makes connections of one user that read nothing, as long as there is room.
    private func fill(_ budget: inout BufferBudget, uid: UInt32) throws -> [Connection] {
        var connections: [Connection] = []
        let tenantUsage = TenantUsage(.user(uid), ratePerSecond: 1, now: now)
        while true {
            let connection = try Connection(uid: uid, of: tenantUsage)
            guard budget.hasRoom(for: connection.session, .baselineOnly) else { return connections }
            connections.append(connection)
            try connection.send(16 << 10, &budget)
        }
    }

    @Test("Many tenants that do not read leave room for a response to each tenant that reads")
    func smallShares() throws {
        var budget = BufferBudget(maxBytes: 1 << 20)
        let deaf = try (1000..<1010 as Range<UInt32>).map { try fill(&budget, uid: $0) }
        for connection in deaf.compactMap(\.last) { #expect(!budget.hasRoom(for: connection.session, .baselineOnly)) }
        let reader = try Connection(uid: 2000)
        for _ in 0..<3 {
            #expect(budget.hasRoom(for: reader.session, .baselineOnly))
            try reader.send(1 << 10, &budget)
            try reader.readAll()
            budget.measure(reader.session, now: now)
        }
    }

    @Test("No tenant takes more than remains for others, and administrators have a reserve")
    func shares() throws {
        var budget = BufferBudget(maxBytes: 1 << 20)
        let tenants = try (1000..<1030 as Range<UInt32>).map { try fill(&budget, uid: $0) }
        #expect(tenants[0].count > tenants[1].count && tenants[1].count > tenants[2].count)
        #expect(budget.bytes <= 1 << 20)
        let others = try Connection(uid: 2000), administrator = try Connection(uid: 0)
        #expect(budget.hasRoom(for: administrator.session, .baselineOnly))
        // What a tenant's peers have read is free for others.
        for connection in tenants[0] {
            try connection.readAll()
            budget.measure(connection.session, now: now)
        }
        #expect(tenants[0][0].session.tenantUsage.bufferBytes == 0)
        #expect(budget.hasRoom(for: others.session, .baselineOnly))
        for connection in tenants.joined() { budget.release(connection.session) }
        #expect(budget.bytes == 0 && budget.waitingSessions == 0)
    }

    @Test("A session waits for room, and is served when the tenant's peers have read")
    func waiting() throws {
        var budget = BufferBudget(maxBytes: 64 << 10)
        let full = try Connection(uid: 1000), other = try Connection(uid: 1000, of: full.session.tenantUsage)
        try full.send(40 << 10, &budget)
        let isAdmitted = budget.admit(other.session, .baselineOnly, now: now)
        #expect(!isAdmitted)
        #expect(other.session.isReadingPaused && !other.session.isIdle && budget.waitingSessions == 2)
        #expect(other.session.tenantUsage.sessionsWithoutRoom == 1)
        try full.readAll()
        full.session.unsent = nil
        budget.measure(full.session, now: now)
        #expect(budget.bytes == 0 && budget.hasRoom(for: other.session, .baselineOnly))
        budget.endWait(of: other.session, now: now)
        #expect(!other.session.isReadingPaused && budget.waitingSessions == 0)
        #expect(other.session.tenantUsage.sessionsWithoutRoom == 0)
    }

    @Test("A peer that reads anything within the time keeps its connection, and one that reads nothing does not")
    func progress() throws {
        var budget = BufferBudget()
        let reader = try Connection(uid: 1000), deaf = try Connection(uid: 1000)
        for connection in [reader, deaf] { try connection.send(64 << 10, &budget, now: now) }
        var later = now
        for _ in 0..<4 {
            later = later + PeerTimeout.reading / 2
            // The kernel frees one message.
            var bytes = [UInt8](repeating: 0, count: StreamSocket.pageMessageSize)
            _ = try bytes.withUnsafeMutableBytes { try reader.peer.receive(into: $0) }
            for connection in [reader, deaf] { budget.measure(connection.session, now: later) }
            #expect(PeerTimeout(of: reader.session, now: later) == nil)
        }
        #expect(PeerTimeout(of: deaf.session, now: later) == .unreadResponses)
    }

    @Test("The rest of a frame has its own time, which does not pass while the peer reads no responses")
    func frameTime() throws {
        var budget = BufferBudget()
        let connection = try Connection(uid: 1000)
        connection.session.partialFrameSince = now
        let late = now + PeerTimeout.frame * 2
        #expect(PeerTimeout(of: connection.session, now: late) == .incompleteFrame)
        try connection.send(64 << 10, &budget, now: now)
        #expect(PeerTimeout(of: connection.session, now: late) == nil)
        connection.session.unsent = nil
        budget.update(connection.session, now: late)
        #expect(connection.session.partialFrameSince == late)
        #expect(PeerTimeout(of: connection.session, now: late + PeerTimeout.frame / 2) == nil)
        // Bytes that the agent has not read yet.
        _ = try [UInt8](repeating: 0, count: 1).withUnsafeBytes { try connection.peer.send($0) }
        #expect(PeerTimeout(of: connection.session, now: late + PeerTimeout.frame * 2) == nil)
    }
}
