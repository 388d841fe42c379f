import Foundation
import Glibc
import RlimitClient
import RlimitTesting
import Testing

@Suite("Processes of an agent for tests", .timeLimit(.minutes(10)))
struct ProcessesTests {
    private let agent: TestAgent
    private let client: BlockingLimitClient

    init() throws {
        agent = try TestAgent(limits: [.nice: Limit(3)], ceilings: [.nice: 20])
        client = agent.blockingClient
    }

    @Test("Each process has limits of its own, by pid and by pidfd")
    func others() throws {
        let one = try Child(), other = try Child()
        #expect(try client.limit(.nice, of: .process(one.pid)) == Limit(3))
        let handle = try ProcessHandle(pid: one.pid)
        try client.raise(.nice, to: 9, on: handle.target)
        #expect(try client.limit(.nice, of: .process(one.pid)) == Limit(9))
        #expect(try client.limit(.nice, of: .process(other.pid)) == Limit(3))
        #expect(try client.limit(.nice, of: .process(getpid())) == Limit(3))
        #expect(agent.limits[.nice] == Limit(3))
        #expect(try BlockingLimitClient().limit(.nice, of: .process(one.pid)) != Limit(9))
    }

    @Test("A process that has ended, or never existed, is NO_SUCH_PROCESS")
    func ended() throws {
        let sleeper = try Child()
        let pid = sleeper.pid
        _ = try client.limit(.nice, of: .process(pid))
        sleeper.end()
        #expect(error { try client.limit(.nice, of: .process(pid)) }?.code == .noSuchProcess)
        #expect(error { try client.limit(.nice, of: .process(4_194_304)) }?.code == .noSuchProcess)
    }

    @Test("Process 1 is rejected")
    func first() {
        #expect(error { try client.limit(.nice, of: .process(1)) } != nil)
    }

    @Test("The usage of a process is what the kernel reports")
    func usage() throws {
        let usage = try client.usage()
        #expect(usage.maxResidentSize.map { $0 > 0 } == true)
        #expect(usage[.openFiles].map { $0 > 0 } == true)
        let sleeper = try Child()
        #expect(try client.usage(of: .process(sleeper.pid)).voluntaryContextSwitches != nil)
        let link = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")
        let thread = try #require(Int32((link as NSString).lastPathComponent))
        #expect(try client.usage(ofThread: thread).userTime != nil)
    }

    @Test("The processes of a cgroup or pod are those that the agent has met")
    func cgroup() throws {
        #expect(try client.limits(in: .own).map(\.pid) == [getpid()])
        let sleeper = try Child(), stranger = try Child(), pid = sleeper.pid
        _ = try client.limit(.nice, of: .process(pid))
        for cgroup in [Cgroup.own, .pod, "/kubepods/pod1"] {
            let results = try client.apply(.raise(.nice, to: 10), in: cgroup)
            #expect(results.compactMap(\.pid) == [getpid(), pid].sorted())
            #expect(results.isComplete)
            for process in results { #expect(try process.result.get().new == Limit(10)) }
        }
        #expect(try client.limit(.nice, of: .process(stranger.pid)) == Limit(3))
        let refusals = try client.apply(.raise(.nice, to: 21), in: .own)
        #expect(refusals.count == 3)
        for process in refusals { #expect(error { try process.result.get() }?.code == .deniedByPolicy) }
        sleeper.end()
        #expect(try client.limits(in: .own).compactMap(\.pid) == [getpid(), stranger.pid].sorted())
    }

    @Test("The statistics count what the agent did")
    func statistics() throws {
        try client.raise(.nice, to: 4)
        _ = error { try client.raise(.nice, to: 21) }
        let statistics = try client.statistics()
        #expect(statistics.connections == 1)
        #expect(statistics.requests == 3)
        #expect(statistics.changes == 1)
        #expect(statistics.refusals == 1)
        let info = try client.agentInfo()
        #expect(info.policy == "1 rule")
        #expect(info.canRaise)
        #expect(info.caller.uid == geteuid())
    }
}
