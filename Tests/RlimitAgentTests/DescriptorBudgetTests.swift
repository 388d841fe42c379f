import Foundation
import RlimitKernel
import RlimitModel
import RlimitPolicy
import Testing

@testable import RlimitAgent

@Suite("Descriptors", .serialized)
struct DescriptorBudgetTests {
    @Test(
        "whatever the limit, what cannot be given up fits, and something is left to be held", arguments: [false, true])
    func sums(canRegainPeers: Bool) {
        for descriptors in [200, 256, 1024, 4096, 20000, 65536, 1_048_576] {
            let budget = DescriptorBudget(descriptors: descriptors, canRegainPeers: canRegainPeers)
            let perConnection = canRegainPeers ? 1 : 2
            let fixed =
                64 + budget.errands * CgroupErrand.greatestDescriptors + budget.leases + budget.attachments
                + budget.connections * perConnection
            #expect(fixed < descriptors)
            #expect(budget.share(besides: budget.connections, tenants: 1) > 0, "of \(descriptors)")
            #expect(budget.room(besides: budget.connections) > budget.leases + budget.attachments)
            // Should every tenant hold its share, there is room for more.
            for tenants in [1, 2, 7, 1000] {
                let held = tenants * budget.share(besides: budget.connections, tenants: tenants)
                let others = budget.connections * (perConnection - 1) + budget.leases + budget.attachments
                #expect(held + others < budget.room(besides: budget.connections) - budget.batch)
            }
        }
        let budget = DescriptorBudget(descriptors: 20000, canRegainPeers: canRegainPeers)
        #expect(budget.connections == (canRegainPeers ? 16796 : 8398))
    }

    @Test("no limit is too low to start with")
    func low() {
        let budget = DescriptorBudget(descriptors: 20, canRegainPeers: true)
        #expect(budget.connections == 1 && budget.errands == 1 && budget.share(besides: 1, tenants: 0) == 0)
    }

    /// A desk with sessions, none of which is real.
    private final class World {
        var desk: Desk
        var sessions = SessionTable()
        var tenants = Tenants()
        let listener: Listener
        let path: String

        init(descriptors: Int) throws {
            path = NSTemporaryDirectory() + "descriptors-\(UUID().uuidString).sock"
            let listener = try Listener(path: path)
            let leases = try LeaseWatch()
            self.listener = listener
            let facts = AgentFacts(pid: 0, kernelRelease: "", openFilesCeiling: 1, canRaise: false, features: [])
            let handler = RequestHandler(
                policy: .baselineOnly, facts: facts, audit: Audit(sink: LogSink(format: .text) { $0.count }))
            let budget = DescriptorBudget(descriptors: descriptors, canRegainPeers: true)
            desk = Desk(handler: handler, budget: budget, leases: leases)
        }

        deinit { listener.removePath() }

        func connect(uid: UInt32) throws -> Session {
            let peer = Peer(pid: nil, uid: uid, gid: uid)
            let admitted = tenants.admit(Tenant(peer, .baselineOnly), limit: 100, ratePerSecond: 1, now: .now)
            let socket = try StreamSocket.connect(to: path, timeout: nil)
            let session = Session(socket: socket, peer, itself: nil, account: try #require(admitted), mayAttach: true)
            session.token = sessions.insert(session)
            desk.processes.room = desk.budget.room(besides: sessions.count)
            return session
        }
    }

    private func sleepers(_ count: Int) throws -> [Process] {
        try (0..<count).map { _ in
            try Process.run(URL(fileURLWithPath: "/bin/sleep"), arguments: ["60"])
        }
    }

    @Test("a flood that holds many processes takes none from a neighbour, and none is lost for ever")
    func flood() throws {
        let processes = try sleepers(14)
        defer { for process in processes { process.terminate() } }
        let pids = processes.map(\.processIdentifier)
        let world = try World(descriptors: 110)
        let neighbour = try world.connect(uid: 1)
        _ = try world.desk.name(pids[0], for: neighbour)
        let flood = try (1...12).map { _ in try world.connect(uid: 2) }
        for round in 0..<3 {
            for (session, pid) in zip(flood, pids[1...]) {
                // All of these are busy, and the neighbour is not.
                session.position += 1
                let named = try world.desk.name(pid, for: session)
                #expect(named.process.pid == pid && session.named === named)
                if world.desk.processes.isShort {
                    world.desk.makeRoom(among: &world.sessions, tenants: world.tenants.present)
                    #expect(!world.desk.processes.isShort, "in round \(round)")
                }
                #expect(world.desk.processes.count.all <= world.desk.processes.room)
            }
            #expect(neighbour.named?.process.pid == pids[0])
            #expect(flood.contains { $0.named == nil }, "somebody had to give up something")
        }
        for session in flood + [neighbour] { world.desk.end(session) }
        #expect(world.desk.processes.count.all == 0)
        #expect(neighbour.account.held == 0 && flood[0].account.held == 0)
    }

    @Test("those that asked nothing for longest give up first")
    func idleFirst() throws {
        let processes = try sleepers(13)
        defer { for process in processes { process.terminate() } }
        let world = try World(descriptors: 110)
        let sessions = try (0..<13).map { _ in try world.connect(uid: 2) }
        for (session, process) in zip(sessions, processes) {
            _ = try world.desk.name(process.processIdentifier, for: session)
            session.position += 1
        }
        sessions[5].position = 0
        #expect(world.desk.processes.isShort)
        world.desk.makeRoom(among: &world.sessions, tenants: 1)
        #expect(sessions.filter { $0.named == nil }.map { $0 === sessions[5] } == [true])
    }

    @Test("descriptors that wait for their frames are bounded, and are counted until they are closed")
    func attachments() throws {
        let world = try World(descriptors: 110)
        let sessions = try (0..<4).map { _ in try world.connect(uid: 2) }
        for session in sessions {
            session.attached = Attachment(descriptor: try FileDescriptor.duplicate(of: 0), range: 0..<8)
            world.desk.keepAttachment(of: session)
            world.desk.keepAttachment(of: session)
        }
        // Of three, one user has no more than are left for others.
        #expect(sessions.map(\.isEnding) == [false, false, true, true])
        #expect(world.desk.processes.count.attachments == 2 && sessions[0].account.attachments == 2)
        sessions[0].attached = nil
        #expect(world.desk.processes.count.attachments == 1 && sessions[0].account.attachments == 1)
        sessions[1].attached = nil
    }
}
