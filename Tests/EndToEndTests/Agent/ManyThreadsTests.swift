import Foundation
import RlimitModel
import Testing

/// Usage of a process with hundreds of threads. The agent reads a file in /proc for each, which takes several turns of
/// its loop.
@Suite("Usage of many threads", .serialized)
struct ManyThreadsTests {
    @Test func `The context switches of all threads are summed, and other requests are answered meanwhile`() throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        let threads = Threads(400)
        let connection = try RawConnection(to: agent.socket), neighbour = try RawConnection(to: agent.socket)
        try connection.send(RequestBytes.frame(.usage(.caller, .process), id: 1))
        try connection.send(RequestBytes.frame(.serverInfo, id: 2))
        for _ in 0..<10 { #expect(try neighbour.isAnswered()) }
        #expect(try connection.decodedResponse()?.id == 2, "the later request waited for the earlier one")
        let response = try #require(try connection.decodedResponse())
        #expect(response.id == 1 && !response.more)
        guard case .success(.usage(let usage)) = response.outcome else {
            Issue.record("\(response)")
            return
        }
        #expect(usage.voluntaryContextSwitches ?? 0 >= 400)
        #expect(usage.isPartial)
        #expect(usage.maxResidentSize ?? 0 > 0)
        withExtendedLifetime(threads) {}
    }

    @Test func `Several usage requests on one connection are answered in order`() throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        let threads = Threads(100)
        let connection = try RawConnection(to: agent.socket)
        for id in UInt64(1)...20 { try connection.send(RequestBytes.frame(.usage(.caller, .process), id: id)) }
        shutdown(connection.descriptor, Int32(SHUT_WR))
        for id in UInt64(1)...20 {
            let response = try #require(try connection.decodedResponse())
            #expect(response.id == id)
            guard case .success(.usage(let usage)) = response.outcome else {
                Issue.record("\(response)")
                return
            }
            #expect(usage.voluntaryContextSwitches ?? 0 >= 100)
        }
        #expect(try connection.response() == nil)
        withExtendedLifetime(threads) {}
    }
}
