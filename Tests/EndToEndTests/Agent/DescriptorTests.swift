import Foundation
import RlimitModel
import RlimitWire
import Testing

/// An agent with a low limit of open files.
@Suite("An agent with few descriptors", .serialized)
struct DescriptorTests {
    private static let policy = """
        version = 1
        [quota]
        connections = 1000
        requests_per_second = 1000000
        [[allow]]
        name = "root reads all processes"
        caller.users = [0]
        target = { relation = "any", users = ["0-65535"] }
        limits.nofile = "max"
        """

    private func limit(_ target: Request.Target, by connection: RawConnection) throws -> Limit? {
        try connection.send(RequestBytes.frame(.get(target, ResourceSet([.openFiles]))))
        guard case .success(.limits(_, let limits)) = try connection.decodedResponse()?.outcome else { return nil }
        return limits[.openFiles]
    }

    // A usage request needs no right to change the process.
    private func hasUsage(_ target: Request.Target, by connection: RawConnection) throws -> Bool {
        try connection.send(RequestBytes.frame(.usage(target, .process)))
        guard case .success(.usage) = try connection.decodedResponse()?.outcome else { return false }
        return true
    }

    @Test func `More connections and targets than descriptors are all answered correctly, again and again`() throws {
        let agent = try AgentProcess(policy: Self.policy, prefix: ["prlimit", "--nofile=256:256"])
        let before = try agent.files.descriptors
        let samples = try (0..<45).map { try SampleProcess(as: .served, limits: ["--nofile=\(100 + $0):4096"]) }
        let connections = try samples.map { _ in try RawConnection(to: agent.socket) }
        for connection in connections { #expect(try connection.isAnswered()) }
        var others: [RawConnection] = []
        for uid in 2000..<2010 as Range<UInt32> {
            // The agent can close a connection above the quota before the request is sent.
            while let other = try? RawConnection(to: agent.socket, asUser: uid),
                (try? other.isServed()) == true
            { others.append(other) }
        }
        #expect(
            others.count > 40,
            "only \(others.count) connections are served: one in sixteen is reserved for administrators")
        for _ in 0..<4 {
            for (index, connection) in connections.enumerated() {
                #expect(try limit(.pid(samples[index].pid), by: connection)?.soft == Limit.Bound(UInt64(100 + index)))
                #expect(try hasUsage(.caller, by: connection))
                #expect(try hasUsage(.pid(getpid()), by: connection))
            }
            // Without eviction the connections would hold 140 descriptors.
            #expect(try agent.files.descriptors - before < 135)
        }
        for other in others { #expect(try other.isServed()) }
        // A cached process ends, and its pid is used again.
        try samples[0].end()
        #expect(try limit(.pid(samples[0].pid), by: connections[0]) == nil)
        #expect(try limit(.pid(samples[1].pid), by: connections[0])?.soft == Limit.Bound(101))
        #expect(!agent.log.contains("cannot accept"))
    }
}
