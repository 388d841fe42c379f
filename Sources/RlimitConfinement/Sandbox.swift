internal import CSeccomp
internal import Glibc

/// Denies system calls that the agent does not need after its start, so that a fault in the agent cannot make them.
/// seccomp(2).
///
/// A second line of defence: the policy decides, and this filter limits the damage if the decision is wrong.
package enum Sandbox {
    /// Filters the system calls of all current and future threads of this process, permanently. Denied calls fail with
    /// EPERM.
    ///
    /// - The limits of process 1 and of this process can be read, but not changed, by any number that names them.
    /// - The process runs no other program and creates no sockets but Unix sockets.
    /// - Other calls that CAP_SYS_RESOURCE allows, or that often have kernel vulnerabilities, are denied.
    ///
    /// - Parameter pid: This process.
    package static func applyFilter(pid: Int32) throws(SandboxError) {
        guard let filter = unsafe seccomp_init(allow) else { throw SandboxError("make a filter", -ENOMEM) }
        defer { unsafe seccomp_release(filter) }
        try check("filter all threads", unsafe seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1))
        for pid in [0, 1, pid] { unsafe try deny("prlimit64", when: [isProcess(pid), isChange], in: filter) }
        let isOtherSocket = scmp_arg_cmp(arg: 0, op: SCMP_CMP_NE, datum_a: UInt64(AF_UNIX), datum_b: 0)
        unsafe try deny("socket", when: [isOtherSocket], in: filter)
        // PR_SET_MM (35) changes the memory layout that /proc shows; CAP_SYS_RESOURCE allows it.
        unsafe try deny("prctl", when: [lowerHalfEquals(0, 35)], in: filter)
        for call in deniedCalls { unsafe try deny(call, when: [], in: filter) }
        try check("load the filter", unsafe seccomp_load(filter))
    }

    // Without ptrace(2), because leak checkers need it and the agent's user has no other process to trace.
    private static let deniedCalls = [
        "execve", "execveat", "setrlimit", "process_vm_readv", "process_vm_writev", "process_madvise", "kill", "tkill",
        "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal", "pidfd_getfd", "mount", "umount2", "move_mount",
        "open_tree", "fsopen", "fsmount", "pivot_root", "chroot", "unshare", "setns", "bpf", "perf_event_open",
        "userfaultfd", "io_uring_setup", "init_module", "finit_module", "delete_module", "kexec_load",
        "kexec_file_load", "keyctl", "add_key", "request_key", "quotactl", "quotactl_fd", "swapon", "swapoff", "reboot",
        "open_by_handle_at", "mknod", "mknodat", "clock_settime", "settimeofday", "sched_setscheduler",
        "sched_setattr", "setpriority", "ioprio_set",
    ]

    private static let allow: UInt32 = 0x7FFF_0000  // SCMP_ACT_ALLOW
    private static let denyAction: UInt32 = 0x0005_0000 | UInt32(EPERM)  // SCMP_ACT_ERRNO(EPERM), which is a macro

    // The kernel reads only the lower 32 bits of an int argument.
    private static func lowerHalfEquals(_ argument: UInt32, _ value: UInt32) -> scmp_arg_cmp {
        scmp_arg_cmp(arg: argument, op: SCMP_CMP_MASKED_EQ, datum_a: 0xFFFF_FFFF, datum_b: UInt64(value))
    }

    private static func isProcess(_ pid: Int32) -> scmp_arg_cmp { lowerHalfEquals(0, UInt32(bitPattern: pid)) }

    // The pointer to the new limit is not NULL.
    private static let isChange = scmp_arg_cmp(arg: 2, op: SCMP_CMP_NE, datum_a: 0, datum_b: 0)

    // Denies the call if all comparisons match.
    private static func deny(
        _ call: String, when comparisons: [scmp_arg_cmp], in filter: UnsafeMutableRawPointer
    ) throws(SandboxError) {
        let number = unsafe seccomp_syscall_resolve_name(call)
        // -1: this libseccomp is older than the call. It knows all calls that are denied with comparisons.
        if number == -1, comparisons.isEmpty { return }
        let result = unsafe seccomp_rule_add_array(filter, denyAction, number, UInt32(comparisons.count), comparisons)
        try check("filter \(call)", result)
    }

    // libseccomp returns -errno.
    private static func check(_ what: String, _ result: Int32) throws(SandboxError) {
        guard result >= 0 else { throw SandboxError(what, result) }
    }
}

/// The reason why the filter cannot be installed.
package struct SandboxError: Error, CustomStringConvertible {
    package let description: String

    init(_ what: String, _ result: Int32) {
        let reason = unsafe strerror(0 - result).map { unsafe String(cString: $0) } ?? "error \(result)"
        description =
            "cannot \(what) of system calls: \(reason); the kernel must have CONFIG_SECCOMP_FILTER, and a container or unit "
            + "around rlimitd must allow seccomp(2)"
    }
}
