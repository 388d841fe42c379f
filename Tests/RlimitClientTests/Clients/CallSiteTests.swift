// The code of an application: one import, no test access, and the examples of the documentation.
import RlimitClient
import RlimitTesting
import Testing

// A tool: blocking calls, parsed edits, an exit code for each kind of failure.
private func setCommand(_ words: [String], pid: Int32) -> Int32 {
    do throws(RlimitError) {
        let edits = try words.map { word throws(RlimitError) in try Edit(parsing: word) }
        for change in try BlockingLimitClient().apply(edits, on: .process(pid)) { print(change) }
        return 0
    } catch {
        print(error)
        return switch error.code {
        case .agentUnreachable: 69
        case .deniedByPolicy, .deniedByKernel: 77
        default: 1
        }
    }
}

// The calling process, without an agent.
private func measure(_ work: () -> Void) throws(RlimitError) {
    try CurrentProcess.apply([.set(.coreFileSize, soft: 0), .set(.cpuTime, soft: .seconds(3000))])
    let pool = min(try CurrentProcess.limit(.openFiles).soft, 10_000)  // .infinity is the maximum
    work()
    print(
        pool, try CurrentProcess.usage(.children).majorFaults ?? 0, try CurrentProcess.threadUsage(),
        CurrentProcess.pageSize)
}

// A server at boot.
private func boot(_ client: BlockingLimitClient = BlockingLimitClient()) throws(RlimitError) {
    let files = try client.raise(.openFiles, upTo: 1_048_576)
    if let why = files.shortfall { print("only \(files.new.soft) descriptors: \(why)") }
}

// A supervisor: a process handle instead of a pid, a short deadline, compare-and-set.
private func level(
    _ pid: Int32, with peer: Int32, _ client: BlockingLimitClient, within deadline: Duration = .milliseconds(50)
) throws(RlimitError) {
    let child = try ProcessHandle(pid: pid), target = child.target
    let quick = client.with(timeout: deadline)
    let now = try quick.limit(.stackSize, of: target), wanted = try client.limit(.stackSize, of: .process(peer))
    do {
        try quick.apply(.set(.stackSize, to: wanted, expecting: now), on: target)
    } catch  where error.code == .conflict {
        print("another process changed the limit first")
    }
}

// The same in a task, with two reads in flight.
private func level(
    _ pid: Int32, with peer: Int32, _ client: LimitClient, within deadline: Duration = .milliseconds(50)
) async throws {
    let child = try ProcessHandle(pid: pid), target = child.target
    let quick = client.with(timeout: deadline)
    async let now = quick.limit(.stackSize, of: target), wanted = client.limit(.stackSize, of: .process(peer))
    do {
        try await quick.apply(.set(.stackSize, to: wanted, expecting: now), on: target)
    } catch let error as RlimitError where error.code == .conflict {
        print("another process changed the limit first")
    }
}

// A sidecar raises the limits of its pod and prints the errors.
private func raisePod(_ client: LimitClient) async throws(RlimitError) {
    for process in try await client.apply([.raise(.openFiles, to: 65_536), .raise(.processes, to: 4096)], in: .pod) {
        if case .failure(let error) = process.result { print(process.pid ?? 0, error) }
    }
    print(try await client.explain(.raise(.openFiles, to: 2_000_000)))
}

// A lease while a service runs, or while an actor needs it.
private struct PinnedIndex {
    let client: LimitClient
    let serve: @Sendable () async throws -> Void

    func run() async throws {
        try await client.withLease(.raise(.lockedMemory, to: .gibibytes(8))) { _ in try await serve() }
    }
}

private actor Cache {
    var lease: LimitClient.Lease?

    func grow(_ client: LimitClient) async throws {
        lease = try await client.lease(.raise(.lockedMemory, to: .gibibytes(8)))
    }

    func shrink() async throws { try await lease.take()?.release() }
}

// A watch lasts as long as its loop.
private func relieve(_ pid: Int32, _ client: LimitClient) async throws(RlimitError) {
    for try await event in client.watch(.process(pid), alerts: [.above(fraction: 0.9, of: .openFiles)]) {
        guard case .crossed(_, let used, _) = event else { continue }
        try await client.raise(.openFiles, upTo: .init(used * 2), on: .process(pid))
    }
}

@Suite("The examples of the documentation")
struct CallSiteTests {
    @Test("compile and work")
    func tool() throws {
        let child = try ChildProcess("ulimit -Sn 100; ulimit -Hn 200;")
        defer { child.end() }
        #expect(setCommand(["nofile=hard", "core=0:"], pid: child.pid) == 0)
        #expect(try BlockingLimitClient().limit(.openFiles, of: .process(child.pid)) == Limit(200))
        #expect(setCommand(["nofile=1:0"], pid: child.pid) == 1)
        #expect(setCommand(["nofiles=1"], pid: child.pid) == 1)
    }

    @Test("compare the whole process with another")
    func supervisor() throws {
        let one = try ChildProcess("ulimit -Ss 4096;"), other = try ChildProcess("ulimit -Ss 4096;")
        defer {
            one.end()
            other.end()
        }
        // The limits are equal already, so the agent is not needed.
        try level(
            one.pid, with: other.pid, BlockingLimitClient(socket: "/nonexistent/agent.sock"), within: .seconds(60))
        _ = measure
    }

    @Test("ask the agent for what the kernel refuses")
    func agent() throws {
        let agent = try TestAgent(limits: [.openFiles: Limit(soft: 1024, hard: 4096)], ceilings: [.openFiles: 65_536])
        try boot(agent.blockingClient)
        #expect(agent.limits[.openFiles] == Limit(65_536))

        let one = try ChildProcess(), other = try ChildProcess(), client = agent.blockingClient
        try client.apply(.set(.stackSize, soft: .mebibytes(16)), on: .process(other.pid))
        try level(one.pid, with: other.pid, client, within: .seconds(60))
        #expect(try client.limit(.stackSize, of: .process(one.pid)).soft == .mebibytes(16))
    }

    @Test("hold limits while a service runs, or an actor needs them")
    func leases() async throws {
        let agent = try TestAgent(limits: [.lockedMemory: Limit(64)], ceilings: [.lockedMemory: .gibibytes(8)])
        let index = PinnedIndex(client: agent.client) {
            #expect(agent.limits[.lockedMemory] == Limit(.gibibytes(8)))
        }
        try await index.run()
        #expect(agent.limits[.lockedMemory] == Limit(64))

        let cache = Cache(), client = agent.client
        try await cache.grow(client)
        #expect(agent.limits[.lockedMemory] == Limit(.gibibytes(8)))
        try await cache.shrink()
        try await cache.shrink()
        #expect(agent.limits[.lockedMemory] == Limit(64))
    }

    @Test("compare the whole process with another, in tasks")
    func supervisorInTasks() async throws {
        let one = try ChildProcess("ulimit -Ss 4096;"), other = try ChildProcess("ulimit -Ss 4096;")
        defer {
            one.end()
            other.end()
        }
        let client = LimitClient(socket: "/nonexistent/agent.sock")
        try await level(one.pid, with: other.pid, client, within: .seconds(60))
        await #expect(throws: RlimitError.self) { try await raisePod(client) }
    }

    @Test("watch a process, and raise its limit when it comes near")
    func watching() async throws {
        let child = try ChildProcess(), client = LimitClient(socket: "/nonexistent/agent.sock")
        let target = Target.process(child.pid)
        // It has at least that many descriptors open.
        try await client.apply(.set(.openFiles, soft: 3), on: target)
        let relief = Task { try await relieve(child.pid, client) }
        while try await client.limit(.openFiles, of: target).soft == 3 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(try await client.limit(.openFiles, of: target).soft >= 6)
        child.kill()
        // It may have ended during the raise.
        _ = await relief.result
    }
}
