import Foundation
import Glibc
import Testing

/// What a process can do after it has shut itself in: the agent's last line, should all before it be wrong.
@Suite("The sandbox")
struct SandboxTests {
    /// What a probe answers to these steps, one after the other, first as it was started and then shut in. It is no
    /// process 1, and process 1 is a shell of the test's own: no limits but theirs are in its reach.
    private func answers(_ steps: [String]) throws -> (before: [String], after: [String]) {
        let words = ([ChildProcess.probePath] + steps + ["shut-in"] + steps).joined(separator: " ")
        let child = try ChildProcess("unshare", ["--pid", "--fork", "--kill-child", "sh", "-c", "\(words); true"])
        let before = try steps.map { _ in try child.line() }
        try #require(try child.line() == "done")
        return (before, try steps.map { _ in try child.line() })
    }

    @Test("The filter refuses changes to the limits of process 1 and of the process itself, and permits reads")
    func limits() throws {
        // The kernel looks at the lower half of the number alone.
        let numbers = ["1", "self", "0", "\(1 << 32 | 1)", "\(0xFFFF_FFFF_0000_0000 as UInt64)"]
        let sets = numbers.map { "set-limit=\($0)" } + ["setrlimit"]
        let reads = numbers.map { "read-limit=\($0)" }
        let (before, after) = try answers(sets + reads)
        #expect(before.allSatisfy { $0 == "done" }, "\(before)")
        #expect(after.prefix(sets.count).allSatisfy { $0 == "Operation not permitted" }, "\(after)")
        #expect(after.dropFirst(sets.count).allSatisfy { $0 == "done" }, "\(after)")
    }

    @Test("others' limits are set as before")
    func others() throws {
        let child = try ChildProcess.sleeping(uid: getuid(), gid: getgid())
        let probe = try ChildProcess.probe("shut-in", "set-limit=\(child.pid)", "read-limit=\(child.pid)")
        for _ in 0..<3 { #expect(try probe.line() == "done") }
    }

    @Test("no other program is run, and only Unix sockets are made")
    func otherCalls() throws {
        let sockets = ["socket=\(AF_INET)", "socket=\(AF_NETLINK)", "socket=\(AF_UNIX)"]
        let (before, after) = try answers([sockets[0], sockets[2]])
        #expect(before == ["done", "done"] && after == ["Operation not permitted", "done"])
        let probe = try ChildProcess.probe("shut-in", "execute=/bin/true", "wait")
        #expect(try probe.line() == "done")
        #expect(try probe.line().contains("Operation not permitted"))
    }

    @Test("threads that were there before and that come later are shut in too")
    func threads() throws {
        let probe = try ChildProcess.probe("thread", "shut-in", "thread", "wait")
        let first = try probe.line()
        #expect(try probe.line() == "done")
        for thread in [first, try probe.line(), "\(probe.pid)"] {
            let status = try String(contentsOfFile: "/proc/\(probe.pid)/task/\(thread)/status", encoding: .utf8)
            #expect(status.contains("\nSeccomp:\t2\n"), "thread \(thread)")
        }
        probe.proceed()
    }
}
