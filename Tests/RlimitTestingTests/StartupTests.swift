import RlimitClient
import RlimitTesting
import Testing

/// The code under test: a server that raises its limit of open files at start-up.
private func boot(_ client: LimitClient = LimitClient()) async throws(RlimitError) {
    let files = try await client.raise(.openFiles, upTo: 1_048_576)
    if let why = files.shortfall { print("only \(files.new.soft) descriptors: \(why)") }
}

@Test("A server raises its descriptors as far as the agent allows, and can tell \"not now\" from \"never\"")
func testBoot() async throws {
    let agent = try TestAgent(limits: [.openFiles: Limit(soft: 1024, hard: 4096)], ceilings: [.openFiles: 65_536])
    try await boot(agent.client)
    #expect(agent.limits[.openFiles] == Limit(65_536))

    agent.failNext(with: RlimitError(.rateLimited, retryAfter: .seconds(1)))
    let error = await #expect(throws: RlimitError.self) { try await boot(agent.client) }
    #expect(error?.isTransient == true)
}
