import RlimitClient
import RlimitTesting
import Testing

@Test("A watch sees the simulated limits and their changes", .timeLimit(.minutes(10)))
func testWatch() async throws {
    let agent = try TestAgent(limits: [.openFiles: Limit(soft: 1024, hard: 4096)], ceilings: [.openFiles: 65_536])
    // The tasks of a busy machine may wait longer than any deadline.
    let client = agent.client.with(timeout: nil)
    var events = client.watch(every: .milliseconds(10), resources: [.openFiles]).makeAsyncIterator()
    guard case .sample(let sample) = try await events.next() else { throw RlimitError(.internalError) }
    #expect(sample.limits[.openFiles] == Limit(soft: 1024, hard: 4096))
    try await client.raise(.openFiles, to: 65_536)
    let changed = LimitClient.Watch.Event.changed(.openFiles, old: sample.limits[.openFiles], new: Limit(65_536))
    while let event = try await events.next(), event != changed {}
    #expect(agent.limits[.openFiles] == Limit(65_536))
}
