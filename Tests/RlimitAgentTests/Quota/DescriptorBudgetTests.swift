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
    func sums(canReopenPeers: Bool) {
        for descriptors in [200, 256, 1024, 4096, 20000, 65536, 1_048_576] {
            let budget = DescriptorBudget(descriptors: descriptors, canReopenPeers: canReopenPeers)
            let perConnection = canReopenPeers ? 1 : 2
            let fixed =
                64 + budget.maxLongRequests * CgroupRequest.maxDescriptors + budget.maxLeasedProcesses
                + budget.maxReceivedDescriptors
                + budget.maxConnections * perConnection
            #expect(fixed < descriptors)
            #expect(budget.fairShare(besides: budget.maxConnections, tenants: 1) > 0, "of \(descriptors)")
            #expect(
                budget.cacheCapacity(besides: budget.maxConnections) > budget.maxLeasedProcesses
                    + budget.maxReceivedDescriptors)
            // Should every tenant hold its share, there is room for more.
            for tenants in [1, 2, 7, 1000] {
                let held = tenants * budget.fairShare(besides: budget.maxConnections, tenants: tenants)
                let others =
                    budget.maxConnections * (perConnection - 1) + budget.maxLeasedProcesses
                    + budget.maxReceivedDescriptors
                #expect(held + others < budget.cacheCapacity(besides: budget.maxConnections) - budget.evictionBatch)
            }
        }
        let budget = DescriptorBudget(descriptors: 20000, canReopenPeers: canReopenPeers)
        #expect(budget.maxConnections == (canReopenPeers ? 16796 : 8398))
    }

    @Test("no limit is too low to start with")
    func low() {
        let budget = DescriptorBudget(descriptors: 20, canReopenPeers: true)
        #expect(
            budget.maxConnections == 1 && budget.maxLongRequests == 1 && budget.fairShare(besides: 1, tenants: 0) == 0)
    }

    /// A desk with sessions, none of which is real.
    private final class World {
        var dispatcher: Dispatcher
        let budget: DescriptorBudget
        var sessions = SessionTable()
        var tenants = TenantTable()
        let listener: Listener
        let path: String

        init(descriptors: Int) throws {
            path = NSTemporaryDirectory() + "descriptors-\(UUID().uuidString).sock"
            let listener = try Listener(path: path)
            let leases = try LeaseMonitor()
            self.listener = listener
            let facts = AgentFacts(pid: 0, kernelRelease: "", openFilesCeiling: 1, canRaise: false, features: [])
            let handler = RequestHandler(
                policy: .baselineOnly, facts: facts, audit: AuditLog(sink: LogSink(format: .text) { $0.count }))
            budget = DescriptorBudget(descriptors: descriptors, canReopenPeers: true)
            dispatcher = Dispatcher(handler: handler, budget: budget, leaseMonitor: leases)
        }

        deinit { listener.removePath() }

        func connect(uid: UInt32) throws -> Session {
            let peer = Peer(pid: nil, uid: uid, gid: uid)
            let admitted = tenants.addConnection(Tenant(peer, .baselineOnly), limit: 100, ratePerSecond: 1, now: .now)
            let socket = try StreamSocket.connect(to: path, timeout: nil)
            let session = Session(
                socket: socket, peer, peerProcess: nil, tenantUsage: try #require(admitted), mayAttachPidfd: true)
            session.token = sessions.insert(session)
            dispatcher.processes.setSocketCount(sessions.count)
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
        let fixture = try World(descriptors: 110)
        let neighbour = try fixture.connect(uid: 1)
        _ = try fixture.dispatcher.processes.acquireNamedProcess(pids[0], for: neighbour)
        let flood = try (1...12).map { _ in try fixture.connect(uid: 2) }
        for round in 0..<3 {
            for (session, pid) in zip(flood, pids[1...]) {
                // All of these are busy, and the neighbour is not.
                session.position += 1
                let named = try fixture.dispatcher.processes.acquireNamedProcess(pid, for: session)
                #expect(named.process.pid == pid && session.lastNamedProcess === named)
                if fixture.dispatcher.processes.isOverCapacity {
                    fixture.dispatcher.processes.evictIdleProcesses(
                        among: &fixture.sessions, tenants: fixture.tenants.connectedCount)
                    #expect(!fixture.dispatcher.processes.isOverCapacity, "in round \(round)")
                }
                #expect(fixture.dispatcher.processes.descriptorCount.total <= fixture.dispatcher.processes.capacity)
            }
            #expect(neighbour.lastNamedProcess?.process.pid == pids[0])
            #expect(flood.contains { $0.lastNamedProcess == nil }, "somebody had to give up something")
        }
        for session in flood + [neighbour] { fixture.dispatcher.releaseResources(of: session) }
        #expect(fixture.dispatcher.processes.descriptorCount.total == 0)
        #expect(neighbour.tenantUsage.cachedProcesses == 0 && flood[0].tenantUsage.cachedProcesses == 0)
    }

    @Test("those that asked nothing for longest give up first")
    func idleFirst() throws {
        let processes = try sleepers(13)
        defer { for process in processes { process.terminate() } }
        let fixture = try World(descriptors: 110)
        let sessions = try (0..<13).map { _ in try fixture.connect(uid: 2) }
        for (session, process) in zip(sessions, processes) {
            _ = try fixture.dispatcher.processes.acquireNamedProcess(process.processIdentifier, for: session)
            session.position += 1
        }
        sessions[5].position = 0
        #expect(fixture.dispatcher.processes.isOverCapacity)
        fixture.dispatcher.processes.evictIdleProcesses(among: &fixture.sessions, tenants: 1)
        #expect(sessions.filter { $0.lastNamedProcess == nil }.map { $0 === sessions[5] } == [true])
    }

    @Test("descriptors that wait for their frames are bounded, and are counted until they are closed")
    func receivedDescriptors() throws {
        let fixture = try World(descriptors: 110)
        let sessions = try (0..<4).map { _ in try fixture.connect(uid: 2) }
        let receiver = FrameReceiver()
        let errors = try sessions.map { session in
            session.receivedDescriptor = ReceivedDescriptor(
                descriptor: try FileDescriptor.duplicate(of: 0), range: 0..<8)
            let error = receiver.keepReceivedDescriptor(of: session, &fixture.dispatcher.processes)
            // A second turn does not count it again.
            return error ?? receiver.keepReceivedDescriptor(of: session, &fixture.dispatcher.processes)
        }
        // Of three, one user has no more than are left for others.
        #expect(errors.map { $0?.code } == [nil, nil, .quotaExceeded, .quotaExceeded])
        #expect(
            fixture.dispatcher.processes.descriptorCount.receivedDescriptors == 2
                && sessions[0].tenantUsage.receivedDescriptors == 2)
        sessions[0].receivedDescriptor = nil
        #expect(
            fixture.dispatcher.processes.descriptorCount.receivedDescriptors == 1
                && sessions[0].tenantUsage.receivedDescriptors == 1)
        sessions[1].receivedDescriptor = nil
    }
}
