import Foundation
import Glibc
import RlimitModel
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

@Suite("The process that is spoken of", .timeLimit(.minutes(1)))
struct ResolvedTargetTests {
    @Test("is named to the agent by a pidfd of it, and the caller by nothing at all")
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
        let whom = agent.requests.map { request -> Request.Target? in
            switch request.request.operation {
            case .get(let whom, _), .set(let whom, _, _), .usage(let whom, _), .threadUsage(let whom, _): whom
            default: nil
            }
        }
        #expect(whom == [Request.Target](repeating: .attachedPidfd, count: 5) + [.caller, .caller, .caller])
        #expect(agent.connections == 1)
    }

    @Test("is read and changed without the agent where the kernel allows it")
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
        // Compare-and-set is the agent's in any case.
        let changes = try agent.client(.kernelFirst).apply(
            [.set(.coreFileSize, to: Limit(0)), .set(.openFiles, soft: 150, expecting: expected)],
            on: .process(child.pid))
        #expect(changes.map(\.grantedBy) == [.kernel, .agent(rule: "script")])
        #expect(child.shown("Max core file size") == "0 0")
        // The script only says that it raised.
        #expect(child.shown("Max open files") == "100 200")
        #expect(
            agent.requests.map(\.request.operation) == [
                .set(
                    .attachedPidfd, EditBatch([NumericEdit(.openFiles, soft: 150, expecting: expected)]), lease: nil)
            ])
    }

    @Test("must be there")
    func absent() throws {
        let child = try ChildProcess()
        let handle = try ProcessHandle(pid: child.pid)
        child.kill()
        let client = BlockingLimitClient(socket: "/nonexistent/agent.sock")
        // A zombie has limits, but nothing that could reach them.
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

    @Test("can be no thread of a process, no group, and no other kind of descriptor")
    func senseless() throws {
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

    @Test("leaves the descriptor that it was given open, and none of its own behind")
    func descriptors() throws {
        let child = try ChildProcess()
        let agent = try ScriptedAgent { session in try session.serve(grant) }
        let client = agent.client()
        let handle = try ProcessHandle(pid: child.pid)
        func open() -> Int { (0..<512).count { fcntl(Int32($0), F_GETFD) >= 0 } }
        _ = try client.limits(of: handle.target)
        // Others run tests beside this one; a leak would add up to more than they ever hold.
        let before = open()
        for _ in 0..<200 {
            _ = try client.limits(of: handle.target)
            _ = try client.limits(of: .process(child.pid))
        }
        #expect(open() < before + 100)
    }
}
