import Foundation
import Glibc
import RlimitModel
import ScriptedAgents
import Testing

@testable import RlimitClient

private func grant(_ request: Request) -> Reply {
    switch request.operation {
    case .set(_, let batch, _):
        .changes(
            batch.map {
                let old = Limit(soft: 100, hard: 200)
                return Change($0.resource, old: old, new: $0.applied(to: old), grantedBy: .agent(rule: "script"))
            })
    case .usage, .threadUsage: .usage(Usage())
    default: .limits(.all, Limits(repeating: Limit(7)))
    }
}

@Suite("The target of a call", .timeLimit(.minutes(10)))
struct ResolvedTargetTests {
    @Test("is sent to the agent as a pidfd, and as nothing if it is the caller")
    func pidfd() throws {
        let child = try ChildProcess()
        let agent = try ScriptedAgent { session in try session.serve(grant) }
        let client = agent.client()
        let handle = try ProcessHandle(pid: child.pid), own = try ProcessHandle(pid: getpid())
        _ = try client.limit(.openFiles, of: .process(child.pid))
        _ = try client.limits(of: handle.target)
        _ = try client.apply(.raise(.openFiles, to: 9), on: .process(child.pid))
        _ = try client.usage(of: .process(child.pid))
        _ = try client.usage(ofThread: child.pid, in: handle.target)
        for target in [Target.currentProcess, .process(getpid()), own.target] { _ = try client.limits(of: target) }
        #expect(
            agent.requests.map(\.process) == [child.pid, child.pid, child.pid, child.pid, child.pid, nil, nil, nil])
        let targets = agent.requests.map { request -> Request.Target? in
            switch request.request.operation {
            case .get(let target, _), .set(let target, _, _), .usage(let target, _), .threadUsage(let target, _): target
            default: nil
            }
        }
        #expect(targets == [Request.Target](repeating: .attachedPidfd, count: 5) + [.caller, .caller, .caller])
        #expect(agent.connections == 1)
    }

    @Test("is read and changed without the agent if the kernel permits it")
    func kernelFirst() throws {
        let child = try ChildProcess("ulimit -Sn 100; ulimit -Hn 200;")
        let agent = try ScriptedAgent { session in try session.serve(grant) }
        let client = agent.client(.kernelFirst), target = Target.process(child.pid)
        #expect(try client.limit(.openFiles, of: target) == Limit(soft: 100, hard: 200))
        #expect(try client.limits(of: target)[.openFiles] == Limit(soft: 100, hard: 200))
        #expect(try client.usage(of: target)[.openFiles].map { $0 > 0 } == true)
        #expect(try client.usage(ofThread: child.pid, in: target).userTime != nil)
        let edits: [Edit] = [.raiseToHard(.openFiles), .set(.coreFileSize, to: Limit(0))]
        #expect(try client.apply(edits, on: target).map(\.grantedBy) == [.kernel, .kernel])
        #expect(child.shown("Max open files") == "200 200")
        #expect(child.shown("Max core file size") == "0 0")
        #expect(agent.connections == 0)
    }

    @Test("is raised by the agent and then lowered by the client")
    func both() throws {
        let child = try ChildProcess("ulimit -Sn 100; ulimit -Hn 200;")
        let agent = try ScriptedAgent { session in try session.serve(grant) }
        let expected = Limit(soft: 100, hard: 200)
        // Only the agent has a compare-and-set.
        let changes = try agent.client(.kernelFirst).apply(
            [.set(.coreFileSize, to: Limit(0)), .set(.openFiles, soft: 150, expecting: expected)],
            on: .process(child.pid))
        #expect(changes.map(\.grantedBy) == [.kernel, .agent(rule: "script")])
        #expect(child.shown("Max core file size") == "0 0")
        // The script claims the raise without making it.
        #expect(child.shown("Max open files") == "100 200")
        #expect(
            agent.requests.map(\.request.operation) == [
                .set(
                    .attachedPidfd, EditBatch([NumericEdit(.openFiles, soft: 150, expecting: expected)]), lease: nil)
            ])
    }

    @Test("must exist")
    func absent() throws {
        let child = try ChildProcess()
        let handle = try ProcessHandle(pid: child.pid)
        child.kill()
        let client = BlockingLimitClient(socket: "/nonexistent/agent.sock")
        // A zombie has limits, but they have no effect.
        for target in [Target.process(child.pid), handle.target] {
            for attempt in [
                { _ = try client.limit(.openFiles, of: target) }, { _ = try client.usage(of: target) },
                { _ = try client.apply(.raiseToHard(.openFiles), on: target) },
            ] {
                let error = #expect(throws: RlimitError.self) { try attempt() }
                #expect(error?.code == .noSuchProcess)
                #expect(error?.message.contains("process \(child.pid)") == true)
            }
        }
        child.end()
        for pid in [child.pid, 4_194_304, .max] {
            let error = #expect(throws: RlimitError.self) { try client.limits(of: .process(pid)) }
            #expect(error?.code == .noSuchProcess)
            #expect(throws: RlimitError.self) { _ = try ProcessHandle(pid: pid) }
        }
    }

    @Test("is neither a thread of a process, nor a process group, nor another kind of descriptor")
    func invalid() throws {
        let client = BlockingLimitClient(socket: "/nonexistent/agent.sock")
        func code(_ target: Target) -> RlimitError.Code? {
            #expect(throws: RlimitError.self) { try client.limits(of: target) }?.code
        }
        #expect(code(.process(0)) == .invalidArgument)
        #expect(code(.process(-1)) == .invalidArgument)
        #expect(code(.process(.min)) == .invalidArgument)
        #expect(code(.pidfd(-1)) == .invalidArgument)
        #expect(code(.pidfd(.max)) == .invalidArgument)
        let file = open("/proc/self", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        #expect(code(.pidfd(file)) == .invalidArgument)
        let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").compactMap { Int32($0) }
        let thread = try #require(threads.first { $0 != getpid() })
        #expect(code(.process(thread)) == .noSuchProcess)
    }

    @Test("leaves the caller's descriptor open, and closes its own")
    func descriptors() throws {
        let child = try ChildProcess()
        let agent = try ScriptedAgent { session in try session.serve(grant) }
        let client = agent.client()
        let handle = try ProcessHandle(pid: child.pid)
        func open() -> Int { (0..<512).count { fcntl(Int32($0), F_GETFD) >= 0 } }
        _ = try client.limits(of: handle.target)
        // Other tests run in parallel; a leak would exceed what they ever hold.
        let before = open()
        for _ in 0..<200 {
            _ = try client.limits(of: handle.target)
            _ = try client.limits(of: .process(child.pid))
        }
        #expect(open() < before + 100)
    }
}
