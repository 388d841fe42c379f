internal import CSeccomp
internal import Glibc

/// What the agent takes from itself once it needs it no more, so that even its own faults cannot do it. seccomp(2).
///
/// A backstop and no boundary: the policy is what decides, and this is what holds should that be wrong.
package enum Sandbox {
    /// Filters the system calls of this process, of all threads that it has and will have, for good. Calls that are not
    /// wanted fail with EPERM.
    ///
    /// - Limits are never changed of process 1 and of this process, by whatever number it is named; they can be read.
    /// - No other program is run, no socket made but Unix ones, and nothing of what else CAP_SYS_RESOURCE or a fault of the
    ///   kernel's might be good for.
    ///
    /// - Parameter pid: This process.
    package static func applyFilter(pid: Int32) throws(SandboxError) {
        guard let filter = unsafe seccomp_init(allow) else { throw SandboxError("make a filter", -ENOMEM) }
        defer { unsafe seccomp_release(filter) }
        try check("filter all threads", unsafe seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1))
        for pid in [0, 1, pid] { unsafe try deny("prlimit64", when: [isProcess(pid), isChange], in: filter) }
        let isOtherSocket = scmp_arg_cmp(arg: 0, op: SCMP_CMP_NE, datum_a: UInt64(AF_UNIX), datum_b: 0)
        unsafe try deny("socket", when: [isOtherSocket], in: filter)
        // PR_SET_MM moves what /proc shows of us; CAP_SYS_RESOURCE allows it.
        unsafe try deny("prctl", when: [lowerHalfEquals(0, 35)], in: filter)
        for call in deniedCalls { unsafe try deny(call, when: [], in: filter) }
        try check("load the filter", unsafe seccomp_load(filter))
    }

    // ptrace(2) is not here: leak checkers need it, and there is nobody that the agent's user could trace.
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

    // The kernel looks at the lower half of an int, whatever is in the upper one.
    private static func lowerHalfEquals(_ argument: UInt32, _ value: UInt32) -> scmp_arg_cmp {
        scmp_arg_cmp(arg: argument, op: SCMP_CMP_MASKED_EQ, datum_a: 0xFFFF_FFFF, datum_b: UInt64(value))
    }

    private static func isProcess(_ pid: Int32) -> scmp_arg_cmp { lowerHalfEquals(0, UInt32(bitPattern: pid)) }

    // A new limit is given.
    private static let isChange = scmp_arg_cmp(arg: 2, op: SCMP_CMP_NE, datum_a: 0, datum_b: 0)

    // Refused where all of the comparisons hold.
    private static func deny(
        _ call: String, when comparisons: [scmp_arg_cmp], in filter: UnsafeMutableRawPointer
    ) throws(SandboxError) {
        let number = unsafe seccomp_syscall_resolve_name(call)
        // A libseccomp older than the call does not know it; what must not be missing it has always known.
        if number == -1, comparisons.isEmpty { return }
        let result = unsafe seccomp_rule_add_array(filter, denyAction, number, UInt32(comparisons.count), comparisons)
        try check("filter \(call)", result)
    }

    // libseccomp answers -errno.
    private static func check(_ what: String, _ result: Int32) throws(SandboxError) {
        guard result >= 0 else { throw SandboxError(what, result) }
    }
}

/// Why the agent cannot shut itself in.
package struct SandboxError: Error, CustomStringConvertible {
    package let description: String

    init(_ what: String, _ result: Int32) {
        let reason = unsafe strerror(0 - result).map { unsafe String(cString: $0) } ?? "error \(result)"
        description =
            "cannot \(what) of system calls: \(reason); the kernel must have CONFIG_SECCOMP_FILTER, and a container or unit "
            + "around rlimitd must allow seccomp(2)"
    }
}
