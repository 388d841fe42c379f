import RlimitClient
import RlimitTesting
import Testing

@Suite("Limits of an agent for tests", .timeLimit(.minutes(10)))
struct LimitsTests {
    @Test("Limits begin as at boot, except those that the test gives")
    func start() throws {
        let agent = try TestAgent(limits: [.nice: Limit(soft: 5, hard: 9)])
        let limits = try agent.blockingClient.limits()
        #expect(limits == agent.limits)
        #expect(limits[.nice] == Limit(soft: 5, hard: 9))
        let booted: [Resource: Limit] = [
            .cpuTime: Limit(.infinity), .fileSize: Limit(.infinity), .dataSize: Limit(.infinity),
            .stackSize: Limit(soft: .mebibytes(8), hard: .infinity), .coreFileSize: Limit(soft: 0, hard: .infinity),
            .residentSetSize: Limit(.infinity), .processes: Limit(30_000), .openFiles: Limit(soft: 1024, hard: 4096),
            .lockedMemory: Limit(.mebibytes(8)), .addressSpace: Limit(.infinity), .fileLocks: Limit(.infinity),
            .pendingSignals: Limit(30_000), .messageQueueBytes: Limit(819_200), .realtimePriority: Limit(0),
            .realtimeTimeout: Limit(.infinity),
        ]
        #expect(booted.count == 15)
        for (resource, limit) in booted { #expect(limits[resource] == limit, "\(resource)") }
    }

    @Test("Limits are simulated, and the real limits of the process stay as they are")
    func nothingReal() throws {
        let before = try CurrentProcess.limits()
        let everything = Dictionary(uniqueKeysWithValues: Resource.allCases.map { ($0, Limit.Bound.infinity) })
        let agent = try TestAgent(ceilings: everything)
        for resource in Resource.allCases where resource != .openFiles {
            try agent.blockingClient.raise(resource, to: .infinity)
            try agent.blockingClient.apply(.set(resource, to: Limit(7)))
            #expect(agent.limits[resource] == Limit(7))
        }
        #expect(try CurrentProcess.limits() == before)
    }

    @Test("Limits are raised up to the ceilings, and an error states the ceiling")
    func ceiling() throws {
        let agent = try TestAgent(ceilings: [.openFiles: 65_536])
        let client = agent.blockingClient
        let change = try client.raise(.openFiles, to: 50_000)
        #expect(change.description == "nofile 1024:4096 -> 50000:50000 (agent, rule \"TestAgent ceilings\")")
        let refusal = error { try client.raise(.openFiles, to: 65_537) }
        #expect(refusal?.code == .deniedByPolicy)
        #expect(refusal?.allowed == Limit(65_536))
        #expect(refusal?.message.hasSuffix("the most is 65536 (rule \"TestAgent ceilings\")") == true)
        #expect(agent.limits[.openFiles] == Limit(50_000))
    }

    @Test("Limits without a ceiling are not raised")
    func noCeiling() throws {
        let agent = try TestAgent(limits: [.lockedMemory: Limit(soft: 1, hard: 2)])
        let client = agent.blockingClient
        let refusal = error { try client.raise(.lockedMemory, to: 3) }
        #expect(refusal?.code == .deniedByPolicy)
        #expect(refusal?.message.hasSuffix("the most is 2 B, the present hard limit") == true)
        #expect(try client.apply(.raiseToHard(.lockedMemory)).new == Limit(2))
        let shortfall = try client.raise(.lockedMemory, upTo: 3).shortfall
        #expect(shortfall?.code == .deniedByPolicy)
    }

    @Test("All limits can be lowered")
    func lower() throws {
        let agent = try TestAgent(limits: [.coreFileSize: Limit(100), .openFiles: Limit(50)])
        try agent.blockingClient.apply([.set(.coreFileSize, to: Limit(0)), .set(.openFiles, soft: 20)])
        #expect(agent.limits[.coreFileSize] == Limit(0))
        #expect(agent.limits[.openFiles] == Limit(soft: 20, hard: 50))
    }

    @Test("Limits of a batch change together or not at all")
    func batch() throws {
        let agent = try TestAgent(ceilings: [.openFiles: 65_536])
        let start = agent.limits
        let refusal = error {
            try agent.blockingClient.apply([.raise(.openFiles, to: 9000), .raise(.nice, to: 1)])
        }
        #expect(refusal?.editIndex == 1 && refusal?.resource == .nice)
        #expect(agent.limits == start)
    }

    @Test("The limit of open files stops at fs.nr_open, whatever the ceiling and the machine")
    func systemCeiling() throws {
        let agent = try TestAgent(ceilings: [.openFiles: .infinity])
        let client = agent.blockingClient
        #expect(error { try client.raise(.openFiles, to: 1_048_577) }?.code == .aboveSystemCeiling)
        #expect(try client.raise(.openFiles, to: 1_048_576).new == Limit(1_048_576))
        #expect(try client.agentInfo().openFilesCeiling == 1_048_576)
    }

    @Test("Limits can be compared and set")
    func expecting() throws {
        let agent = try TestAgent(limits: [.nice: Limit(soft: 1, hard: 5)])
        let client = agent.blockingClient
        try client.apply(.set(.nice, soft: 2, expecting: Limit(soft: 1, hard: 5)))
        let conflict = error { try client.apply(.set(.nice, soft: 3, expecting: Limit(soft: 1, hard: 5))) }
        #expect(conflict?.code == .conflict)
        #expect(agent.limits[.nice] == Limit(soft: 2, hard: 5))
    }

    @Test("An explanation changes no limit")
    func explain() throws {
        let agent = try TestAgent(ceilings: [.nice: 20])
        let client = agent.blockingClient
        let start = agent.limits
        #expect(try client.explain(.raise(.nice, to: 20)).isAllowed)
        #expect(try client.explain(.raise(.nice, to: 21)).refusal?.allowed == Limit(20))
        let most = try client.explain([.nice, .realtimePriority]).verdicts.map(\.most?.hard)
        #expect(most == [20, 0])
        #expect(agent.limits == start)
    }

    @Test("Limits that a process cannot have are rejected at the start")
    func impossible() {
        let refusal = error { try TestAgent(limits: [.nice: Limit(soft: 2, hard: 1)]) }
        #expect(refusal?.code == .softExceedsHard)
        #expect(refusal?.resource == .nice)
    }
}
