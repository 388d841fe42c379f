import RlimitTesting
import RlimitClient
import Testing

// A server at boot: as many descriptors as one may have, and no failure where there is no agent.
private func boot(_ client: BlockingLimitClient = BlockingLimitClient()) throws(RlimitError) {
    let files = try client.raise(.openFiles, upTo: 1_048_576)
    if let why = files.shortfall { print("only \(files.new.soft) descriptors: \(why)") }
}

@Suite("An agent for tests", .timeLimit(.minutes(1)))
struct TestAgentTests {
    @Test("the example of the documentation")
    func example() throws {
        let agent = try TestAgent(limits: [.openFiles: Limit(soft: 1024, hard: 4096)], ceilings: [.openFiles: 65_536])
        try boot(agent.blockingClient)
        #expect(agent.limits[.openFiles] == Limit(65_536))
        agent.failNext(with: RlimitError(.rateLimited, retryAfter: .seconds(1)))
        let error = #expect(throws: RlimitError.self) { try agent.blockingClient.raise(.openFiles, to: 4096) }
        #expect(error?.isTransient == true)
    }
}
