import CAllocationCounter
import Glibc
import RlimitModel
import ScriptedAgents
import Testing

@testable import RlimitClient

@Suite("A call of a thread", .timeLimit(.minutes(10)))
struct AllocationTests {
    // A sanitizer has an allocator of its own.
    private static let isSanitized = dlsym(nil, "__tsan_init") != nil || dlsym(nil, "__asan_init") != nil

    // The number of the thread's allocations during the calls, and whether the counter works.
    private static func count(_ client: BlockingLimitClient, _ target: Target, calls: Int) throws -> (UInt, Bool) {
        let first = allocation_count()
        allocate_once(100)
        let isSeen = allocation_count() > first
        for _ in 0..<10 { _ = try client.limit(.openFiles, of: target) }
        let before = allocation_count()
        for _ in 0..<calls { _ = try client.limit(.openFiles, of: target) }
        return (allocation_count() - before, isSeen)
    }

    @Test("allocates nothing, after the first ones")
    func none() async throws {
        let agent = try ScriptedAgent { session in
            try session.serve { _ in .limits(.all, Limits(repeating: Limit(5))) }
        }
        let client = agent.client()
        let (count, isSeen) = try await offThread { try Self.count(client, .currentProcess, calls: 500) }
        #expect(isSeen || Self.isSanitized)
        #expect(count == 0)
    }
}
