import Foundation
import RlimitModel
import Synchronization
import Testing

@testable import RlimitClient

@Suite("A watch that asks the agent", .timeLimit(.minutes(10)))
struct WatchByAgentTests {
    @Test("gets limits, changes and use from it, and the end of the process from the kernel")
    func process() async throws {
        let readings = ScriptedReadings(), child = try ChildProcess()
        let agent = try readings.agent()
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: .seconds(60))
        let alert = LimitClient.Watch.Threshold.above(fraction: 0.5, of: .openFiles)
        var events = client.watch(.process(child.pid), every: .milliseconds(10), alerts: [alert]).makeAsyncIterator()
        guard case .sample(let sample) = try await events.next() else { throw SpawnError(number: 0) }
        #expect(sample.limits[.openFiles] == Limit(100) && sample.usage[.openFiles] == 5)
        readings.limit.withLock { $0 = 8 }
        var seen: [LimitClient.Watch.Event] = []
        while seen.count < 2, let event = try await events.next() {
            if case .sample = event {} else { seen.append(event) }
        }
        #expect(
            seen == [
                .changed(.openFiles, old: Limit(100), new: Limit(8)), .crossed(alert, used: 5, limit: Limit(8)),
            ])
        child.kill()
        while let event = try await events.next() { seen.append(event) }
        #expect(seen.last == .exited)
    }

    @Test("continues after transient failures, and ends with a permanent one")
    func failures() async throws {
        let readings = ScriptedReadings(), child = try ChildProcess()
        let agent = try readings.agent()
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: .seconds(60))
        var events = client.watch(.process(child.pid), every: .milliseconds(20)).makeAsyncIterator()
        _ = try await events.next()
        readings.fail(with: RlimitError(.rateLimited), times: 3)
        #expect(try await events.next() != nil)
        readings.fail(with: RlimitError(.deniedByPolicy))
        #expect(
            await #expect(throws: RlimitError.self) { while try await events.next() != nil {} }?.code == .deniedByPolicy
        )
        readings.fail(with: RlimitError(.rateLimited))
        var late = client.watch(.process(child.pid), every: .milliseconds(2)).makeAsyncIterator()
        #expect(await #expect(throws: RlimitError.self) { try await late.next() }?.code == .rateLimited)
    }
}
