internal import CRlimitLinux
internal import CSeccomp
internal import Glibc
internal import RlimitKernel

/// The system calls of `SystemCalls.reported` that the filter refused to this process: signs of a fault or an attack.
///
/// The kernel sends SIGSYS to the thread that makes such a call. The handler makes the call fail with EPERM and
/// remembers its number. sigaction(2).
package struct RefusedCalls: Sendable {
    /// Readable after a call was refused. Never closed, because the handler may run at any time.
    package let descriptor: Int32

    /// Handles SIGSYS. Precedes the filter, because the default action of the signal ends the process.
    init() throws(SystemError) {
        let number = try SystemCall.value("eventfd") { rl_wakeup_open() }
        try SystemCall.value("sigaction") { rl_refused_calls_start(number) }
        descriptor = number
    }

    /// Removes and returns the calls that were refused since the last time, each once, as "execve (59)".
    package func take() -> [String] {
        _ = SystemCall.retrying { rl_wakeup_reset(descriptor) }
        var calls: [String] = []
        while case let number = rl_refused_calls_next(), number >= 0 {
            let name = unsafe seccomp_syscall_resolve_num_arch(UInt32(SCMP_ARCH_NATIVE), number)
            calls.append("\(unsafe name.map { unsafe String(cString: $0) } ?? "system call") (\(number))")
            unsafe free(name)
        }
        return calls
    }
}
