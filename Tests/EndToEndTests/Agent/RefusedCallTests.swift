import CTestKernel
import Foundation
import Testing

/// System calls that a fault in the agent would make. The test makes the agent's process make them with ptrace(2).
@Suite("Refused system calls")
struct RefusedCallTests {
    // The numbers of x86-64.
    @Test(arguments: [("execve", 59), ("unshare", 272), ("ptrace", 101), ("mount", 165), ("bpf", 321), ("setuid", 105)])
    func `A call that no correct agent makes is refused and logged, and the agent continues`(
        name: String, number: Int
    ) throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        #expect(tk_inject_call(agent.pid, number) == -EPERM)
        _ = try agent.logLine(containing: "level=error", "refused the system call \(name) (\(number))")
        #expect(try RawConnection(to: agent.socket).isAnswered())
    }

    // memfd_create, socketpair and inotify_init1.
    @Test(arguments: [319, 53, 294])
    func `A call that the filter does not list is refused, and the agent continues`(number: Int) throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        #expect(tk_inject_call(agent.pid, number) == -EPERM)
        #expect(try RawConnection(to: agent.socket).isAnswered())
        #expect(agent.isRunning)
    }
}
