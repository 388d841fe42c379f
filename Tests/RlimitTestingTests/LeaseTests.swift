import RlimitClient
import RlimitTesting
import Testing

@Suite("Leases of an agent for tests", .timeLimit(.minutes(10)))
struct LeaseTests {
    private let agent: TestAgent
    private let before = Limit(soft: 1024, hard: 4096)
    private let files = Edit.raise(.openFiles, to: 8192)
    private let raised = Limit(8192)

    init() throws {
        agent = try TestAgent(
            limits: [.openFiles: before], ceilings: [.openFiles: 65_536, .lockedMemory: .gibibytes(8)])
    }

    private func code(_ body: () async throws(RlimitError) -> Void) async -> RlimitError.Code? {
        do throws(RlimitError) {
            try await body()
            return nil
        } catch {
            return error.code
        }
    }

    @Test("Leases raise limits and restore them, for tasks and for threads")
    func release() async throws {
        let lease = try await agent.client.lease(files, for: .seconds(3600))
        #expect(agent.limits[.openFiles] == raised)
        #expect(lease.changes.map(\.old) == [before])
        #expect(try await lease.release() == [Restoration(.openFiles, .restored, limit: before)])
        #expect(agent.limits[.openFiles] == before)
        try threads()
    }

    private func threads() throws {
        let client = agent.blockingClient
        do {
            let lease = try client.lease([files, .raise(.lockedMemory, upTo: .infinity)])
            #expect(agent.limits[.lockedMemory] == Limit(.gibibytes(8)))
            #expect(lease.expires == nil)
        }
        // The lease went out of scope. Its release precedes the list on the same connection.
        #expect(try client.leases().isEmpty)
        #expect(agent.limits[.openFiles] == before && agent.limits[.lockedMemory] == Limit(.mebibytes(8)))
    }

    @Test("Leases end by the agent's clock")
    func time() async throws {
        let lease = try await agent.client.lease(files, for: .seconds(36_000))
        agent.advance(by: .seconds(30_000))
        #expect(agent.limits[.openFiles] == raised)
        try await lease.renew(for: .seconds(36_000))
        agent.advance(by: .seconds(32_000))
        #expect(agent.limits[.openFiles] == raised)
        agent.advance(by: .seconds(4000))
        #expect(agent.limits[.openFiles] == before)
        #expect(await code { () throws(RlimitError) in try await lease.renew(for: .seconds(1)) } == .leaseEnded)
    }

    @Test("Leases without a duration end with the connection, and leases with a duration do not")
    func connection() async throws {
        let client = agent.client
        let bound = try await client.lease(.raise(.lockedMemory, to: .gibibytes(1)))
        // Longer than this test takes on a busy machine.
        let timed = try await client.lease(files, for: .seconds(3600))
        agent.dropConnections()
        #expect(agent.limits[.lockedMemory] == Limit(.mebibytes(8)) && agent.limits[.openFiles] == raised)
        let renewal = await code { () throws(RlimitError) in try await bound.renew(for: .seconds(1)) }
        #expect(renewal == .leaseEnded)
        try await timed.renew(for: .seconds(1800))
        #expect(try await client.leases().map(\.id) == [timed.id])
    }

    @Test("Leases of the same limit hold it until the last lease has ended")
    func several() async throws {
        let client = agent.client
        let less = try await client.lease(files), more = try await client.lease(.raise(.openFiles, to: 9000))
        #expect(try await more.release() == [Restoration(.openFiles, .heldByAnotherLease, limit: raised)])
        #expect(agent.limits[.openFiles] == raised)
        #expect(try await less.release() == [Restoration(.openFiles, .restored, limit: before)])
    }

    @Test("Kept leases are listed, renewed and released by id, also by another client")
    func kept() async throws {
        let id = try await agent.client.lease(files, for: .seconds(3600)).keep()
        let client = agent.client
        let listed = try await client.leases()
        #expect(listed.map(\.id) == [id] && listed.first?.rule == "TestAgent ceilings")
        #expect(listed.first?.changes.map(\.new) == [raised])
        #expect(try await client.statistics().leases == 1)
        #expect(try await client.renew(id, for: .seconds(1800)).remaining == .seconds(1800))
        #expect(try await client.release(id).map(\.outcome) == [.restored])
        #expect(try await client.leases().isEmpty)
    }

    @Test("The end of a lease leaves a limit that has changed meanwhile, and an error leaves all limits")
    func others() async throws {
        let client = agent.client
        let lease = try await client.lease(files)
        try await client.apply(.set(.openFiles, to: Limit(soft: 10, hard: 20)))
        #expect(
            try await lease.release() == [Restoration(.openFiles, .changedByTarget, limit: Limit(soft: 10, hard: 20))])
        agent.failNext(with: RlimitError(.quotaExceeded))
        #expect(await code { () throws(RlimitError) in _ = try await client.lease(files).keep() } == .quotaExceeded)
        let above = await code { () throws(RlimitError) in
            _ = try await client.lease(.raise(.openFiles, to: 70_000)).keep()
        }
        #expect(above == .deniedByPolicy)
        #expect(try await client.leases().isEmpty)
    }

    @Test("A lease for a body lasts as long as the body runs")
    func bodies() async throws {
        let agent = agent, raised = raised
        let now = try await agent.client.withLease(files) { _ in agent.limits[.openFiles] }
        #expect(now == raised)
        #expect(agent.limits[.openFiles] == before)
    }
}
