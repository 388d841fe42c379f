import Foundation
import Glibc
import RlimitKernel
import RlimitModel
import Synchronization
import Testing

@testable import RlimitClient

private typealias Event = LimitClient.CgroupWatch.Event

private func limits(_ number: Int) -> Reply { .limits(.all, Limits(repeating: Limit(Limit.Bound(number)))) }

private func use(_ files: UInt64) -> Reply {
    var usage = Usage()
    usage[.openFiles] = files
    return .usage(usage)
}

// An agent whose answer to each request is looked up at that moment.
private final class Answers: Sendable {
    let pids = Mutex<[Int32]>([])
    let limit = Mutex(100)
    let failure = Mutex<RlimitError?>(nil)

    func agent() throws -> ScriptedAgent {
        try ScriptedAgent { session in
            while let request = try session.next() { session.send(Response(id: request.id, self.answer(request))) }
        }
    }

    private func answer(_ request: Request) -> Result<Reply, RlimitError> {
        if let error = failure.withLock({ $0 }) { return .failure(error) }
        let number = limit.withLock { $0 }
        switch request.operation {
        case .get(.cgroup, _), .get(.pod, _): return .success(.processes(found(limits(number)), isIncomplete: false))
        case .usage(.cgroup, _), .usage(.pod, _): return .success(.processes(found(use(5)), isIncomplete: false))
        case .usage: return .success(use(5))
        default: return .success(limits(number))
        }
    }

    private func found(_ reply: Reply) -> [ProcessResult] {
        pids.withLock { $0 }.map { ProcessResult(pid: $0, .success(reply)) } + [
            ProcessResult(pid: nil, .success(reply))
        ]
    }
}

@Suite("A watch that asks the agent", .timeLimit(.minutes(2)))
struct WatchByAgentTests {
    @Test("is told of limits, changes and uses by it, and of the end by the kernel")
    func process() async throws {
        let answers = Answers(), child = try ChildProcess()
        let agent = try answers.agent()
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: .seconds(60))
        let alert = LimitClient.Watch.Threshold.above(fraction: 0.5, of: .openFiles)
        var events = client.watch(.process(child.pid), every: .milliseconds(10), alerts: [alert]).makeAsyncIterator()
        guard case .sample(let sample) = try await events.next() else { throw SpawnError(number: 0) }
        #expect(sample.limits[.openFiles] == Limit(100) && sample.usage[.openFiles] == 5)
        answers.limit.withLock { $0 = 8 }
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

    @Test("goes on after failures that pass, and ends with one that does not")
    func failures() async throws {
        let answers = Answers(), child = try ChildProcess()
        let agent = try answers.agent()
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: .seconds(60))
        var events = client.watch(.process(child.pid), every: .milliseconds(20)).makeAsyncIterator()
        _ = try await events.next()
        answers.failure.withLock { $0 = RlimitError(.rateLimited) }
        Task {
            try await Task.sleep(for: .milliseconds(70))
            answers.failure.withLock { $0 = nil }
        }
        #expect(try await events.next() != nil)
        answers.failure.withLock { $0 = RlimitError(.deniedByPolicy) }
        #expect(
            await #expect(throws: RlimitError.self) { while try await events.next() != nil {} }?.code == .deniedByPolicy
        )
        answers.failure.withLock { $0 = RlimitError(.rateLimited) }
        var late = client.watch(.process(child.pid), every: .milliseconds(2)).makeAsyncIterator()
        #expect(await #expect(throws: RlimitError.self) { try await late.next() }?.code == .rateLimited)
    }
}

@Suite("A watch of a cgroup", .timeLimit(.minutes(2)))
struct CgroupWatchTests {
    // What comes until so much has been seen of what is no sample.
    private func collect(
        _ count: Int, _ events: inout LimitClient.CgroupWatch.AsyncIterator,
        samples: inout [Int32: LimitClient.Watch.Sample]
    ) async throws -> [Event] {
        var seen: [Event] = []
        while seen.count < count, let event = try await events.next() {
            switch event {
            case .process(let pid, .sample(let sample)): samples[pid] = sample
            case .looked: break
            default: seen.append(event)
            }
        }
        return seen
    }

    @Test("has a process from when it appears until it ends or leaves", arguments: [true, false])
    func comeAndGo(isKernelAsked: Bool) async throws {
        let answers = Answers()
        let agent = try answers.agent()
        let client = LimitClient(
            socket: agent.socket, strategy: isKernelAsked ? .kernelFirst : .agentOnly, timeout: .seconds(60))
        let one = try ChildProcess("ulimit -n 100;"), two = try ChildProcess("ulimit -n 100;"),
            three = try ChildProcess("ulimit -n 100;")
        answers.pids.withLock { $0 = [one.pid, two.pid] }
        // Of pods the agent knows the processes.
        var events = client.watch(in: .pod, every: .milliseconds(20)).makeAsyncIterator()
        var samples: [Int32: LimitClient.Watch.Sample] = [:]
        #expect(
            try await collect(2, &events, samples: &samples)
                == [.appeared(pid: one.pid), .appeared(pid: two.pid)])
        answers.pids.withLock { $0 = [one.pid, two.pid, three.pid] }
        #expect(try await collect(1, &events, samples: &samples) == [.appeared(pid: three.pid)])
        two.kill()
        #expect(try await collect(1, &events, samples: &samples) == [.process(pid: two.pid, .exited)])
        answers.pids.withLock { $0 = [three.pid] }
        #expect(try await collect(1, &events, samples: &samples) == [.left(pid: one.pid)])
        if isKernelAsked {
            _ = try ProcessLimits.exchange(.openFiles, of: three.pid, for: Limit(50))
        } else {
            answers.limit.withLock { $0 = 50 }
        }
        let change = LimitClient.Watch.Event.changed(
            isKernelAsked ? .openFiles : .cpuTime, old: Limit(100), new: Limit(50))
        #expect(try await collect(1, &events, samples: &samples) == [.process(pid: three.pid, change)])
        #expect(Set(samples.keys) == [one.pid, two.pid, three.pid])
        #expect(samples[three.pid]?.usage[.openFiles] == (isKernelAsked ? openFiles(three.pid) : 5))
        answers.failure.withLock { $0 = RlimitError(.noSuchProcess) }
        var rest: [Event] = []
        while let event = try await events.next() { rest.append(event) }
        #expect(rest.last == .left(pid: three.pid), "it was removed")
    }

    @Test("that nobody knows is an error, and so is a path that is none")
    func unknown() async throws {
        let client = LimitClient(socket: "/nonexistent/agent.sock")
        for (cgroup, code) in [
            (Cgroup(path: "/no-such-cgroup/here"), RlimitError.Code.noSuchProcess),
            (Cgroup(path: "/"), .invalidArgument),
            (Cgroup(path: ""), .invalidArgument), (Cgroup(path: "relative"), .invalidArgument),
            (.pod, .agentUnreachable),
        ] {
            var events = client.watch(in: cgroup).makeAsyncIterator()
            #expect(await #expect(throws: RlimitError.self) { try await events.next() }?.code == code, "\(cgroup)")
            #expect(try await events.next() == nil)
        }
    }
}
