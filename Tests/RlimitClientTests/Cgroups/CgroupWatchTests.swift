import Foundation
import RlimitKernel
import RlimitModel
import Synchronization
import Testing

@testable import RlimitClient

private typealias Event = LimitClient.CgroupWatch.Event

@Suite("A watch of a cgroup", .timeLimit(.minutes(10)))
struct CgroupWatchTests {
    // Collects events other than samples, until there are `count`.
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

    @Test("reports a process from its appearance until it ends or leaves", arguments: [true, false])
    func comeAndGo(isKernelAsked: Bool) async throws {
        let readings = ScriptedReadings()
        let agent = try readings.agent()
        let client = LimitClient(
            socket: agent.socket, strategy: isKernelAsked ? .kernelFirst : .agentOnly, timeout: .seconds(60))
        let one = try ChildProcess("ulimit -n 100;"), two = try ChildProcess("ulimit -n 100;"),
            three = try ChildProcess("ulimit -n 100;")
        readings.pids.withLock { $0 = [one.pid, two.pid] }
        // The agent lists the processes of pods.
        var events = client.watch(in: .pod, every: .milliseconds(20)).makeAsyncIterator()
        var samples: [Int32: LimitClient.Watch.Sample] = [:]
        #expect(
            try await collect(2, &events, samples: &samples)
                == [.appeared(pid: one.pid), .appeared(pid: two.pid)])
        readings.pids.withLock { $0 = [one.pid, two.pid, three.pid] }
        #expect(try await collect(1, &events, samples: &samples) == [.appeared(pid: three.pid)])
        two.kill()
        #expect(try await collect(1, &events, samples: &samples) == [.process(pid: two.pid, .exited)])
        readings.pids.withLock { $0 = [three.pid] }
        #expect(try await collect(1, &events, samples: &samples) == [.left(pid: one.pid)])
        if isKernelAsked {
            _ = try ProcessLimits.exchange(.openFiles, of: three.pid, for: Limit(50))
        } else {
            readings.limit.withLock { $0 = 50 }
        }
        let change = LimitClient.Watch.Event.changed(
            isKernelAsked ? .openFiles : .cpuTime, old: Limit(100), new: Limit(50))
        #expect(try await collect(1, &events, samples: &samples) == [.process(pid: three.pid, change)])
        #expect(Set(samples.keys) == [one.pid, two.pid, three.pid])
        #expect(samples[three.pid]?.usage[.openFiles] == (isKernelAsked ? openFiles(three.pid) : 5))
        readings.fail(with: RlimitError(.noSuchProcess))
        var rest: [Event] = []
        while let event = try await events.next() { rest.append(event) }
        #expect(rest.last == .left(pid: three.pid), "the cgroup was removed")
    }

    @Test("that does not exist is an error, and so is a malformed path")
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
