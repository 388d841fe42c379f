import Foundation
import RlimitClient
import Testing

/// A watch of a cgroup while processes enter and leave it.
@Suite("Watches of a cgroup", .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct CgroupWatchNeedsCapability {
    private typealias Event = LimitClient.CgroupWatch.Event

    @Test(.timeLimit(.minutes(10)))
    func `A watch follows each process from its appearance to its end or departure, without an agent`() async throws {
        let client = LimitClient(socket: "/nonexistent/agent.sock")
        let inside = try EndToEndTests.Cgroup(), below = try EndToEndTests.Cgroup("sub", in: inside)
        let elsewhere = try EndToEndTests.Cgroup()
        let one = try SampleProcess(as: .alice, limits: ["--nofile=1024:4096"]), two = try SampleProcess(as: .bob)
        try inside.add(one.pid)
        var events = client.watch(in: RlimitClient.Cgroup(path: inside.path), every: .milliseconds(50))
            .makeAsyncIterator()
        func next(_ matches: (Event) -> Bool) async throws -> Bool {
            for _ in 0..<10_000 {
                guard let event = try await events.next() else { return false }
                if matches(event) { return true }
            }
            return false
        }
        #expect(try await next { $0 == .appeared(pid: one.pid) })
        #expect(
            try await next { event in
                guard case .process(one.pid, .sample(let sample)) = event else { return false }
                return sample.limits[.openFiles] == Limit(soft: 1024, hard: 4096)
                    && (sample.usage[.openFiles] ?? 3) >= 3
            })
        try below.add(two.pid)
        #expect(try await next { $0 == .appeared(pid: two.pid) })
        #expect(try await next { $0 == .looked(processes: 2) })
        try #expect(ChildProcess.run(["prlimit", "--nofile=100:4096", "--pid", "\(one.pid)"]).status == 0)
        let (old, new) = (Limit(soft: 1024, hard: 4096), Limit(soft: 100, hard: 4096))
        #expect(try await next { $0 == .process(pid: one.pid, .changed(.openFiles, old: old, new: new)) })
        try elsewhere.add(one.pid)
        #expect(try await next { $0 == .left(pid: one.pid) })
        try two.end()
        #expect(try await next { $0 == .process(pid: two.pid, .exited) })
        #expect(try await next { $0 == .looked(processes: 0) })
        #expect(
            rmdir(EndToEndTests.Cgroup.root + below.path) == 0 && rmdir(EndToEndTests.Cgroup.root + inside.path) == 0)
        #expect(try await !next { _ in false }, "the watch ends when the cgroup is removed")
    }
}
