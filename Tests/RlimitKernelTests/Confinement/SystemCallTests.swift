import Glibc
import Testing

/// Each call that the filter must refuse, made by a process with the filter.
@Suite("System calls under the filter")
struct SystemCallTests {
    /// Calls that no correct agent makes. The agent logs them.
    private static let reported = [
        "execve", "execveat", "fork", "vfork", "setrlimit", "ptrace", "process_vm_readv", "process_vm_writev",
        "process_madvise", "process_mrelease", "kill", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
        "pidfd_send_signal", "pidfd_getfd", "kcmp", "mount", "umount2", "move_mount", "open_tree", "mount_setattr",
        "fsopen", "fsconfig", "fsmount", "fspick", "pivot_root", "chroot", "unshare", "setns", "bpf", "perf_event_open",
        "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "init_module", "finit_module",
        "delete_module", "kexec_load", "kexec_file_load", "keyctl", "add_key", "request_key", "quotactl", "quotactl_fd",
        "swapon", "swapoff", "reboot", "open_by_handle_at", "mknod", "mknodat", "clock_settime", "clock_adjtime",
        "adjtimex", "settimeofday", "sched_setscheduler", "sched_setattr", "setpriority", "ioprio_set", "setuid",
        "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "capset",
        "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "setxattr", "lsetxattr", "fsetxattr",
        "link", "linkat", "symlink", "symlinkat", "acct", "sethostname", "setdomainname", "iopl", "ioperm",
        "modify_ldt", "personality", "syslog", "vhangup", "memfd_secret", "shmget", "shmat", "semget", "msgget",
        "mq_open", "fanotify_init",
    ]

    /// Calls, or arguments of permitted calls, that are refused because no rule of the filter permits them.
    private static let unlisted = [
        // CLONE_NEWUSER and CLONE_NEWNS with SIGCHLD; a new process; a thread with CLONE_NEWUSER, and with CLONE_NEWNS.
        "clone,0x10000011", "clone,0x20011", "clone,17", "clone,0x10010900", "clone,0x30900",
        // Memory that is writable and executable, or that becomes executable.
        "mmap,0,4096,7,0x22,-1,0", "mprotect,0,4096,5", "pkey_mprotect,0,4096,5,0",
        // TIOCSTI, FS_IOC_SETFLAGS and a request of KVM.
        "ioctl,0,0x5412,0", "ioctl,0,0x40086602,0", "ioctl,0,0xAE01,0",
        // PR_SET_MM, PR_SET_DUMPABLE, PR_SET_SECUREBITS, PR_CAP_AMBIENT, PR_SET_PTRACER, PR_SET_KEEPCAPS.
        "prctl,35,1,0,0,0", "prctl,4,1,0,0,0", "prctl,28,0,0,0,0", "prctl,47,4,0,0,0", "prctl,0x59616d61,-1,0,0,0",
        "prctl,8,0,0,0,0",
        // F_SETOWN, F_SETSIG, F_SETLEASE, F_NOTIFY, F_SETPIPE_SZ.
        "fcntl,0,8,1", "fcntl,0,10,9", "fcntl,0,1024,0", "fcntl,0,1026,0", "fcntl,0,1031,4096",
        // Sockets of IPv4, IPv6, netlink, packets, vsock and the kernel's cryptography.
        "socket,2,1,0", "socket,10,1,0", "socket,16,3,0", "socket,17,3,0", "socket,40,1,0", "socket,38,5,0",
        // SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_BINDTODEVICE; options of IP and TCP.
        "setsockopt,0,1,26,0,0", "setsockopt,0,1,50,0,0", "setsockopt,0,1,25,0,0", "setsockopt,0,0,1,0,4",
        "setsockopt,0,6,1,0,4", "getsockopt,0,6,1,0,0",
        // A signal to a thread of another process.
        "tgkill,2,2,0",
        "socketpair,1,1,0", "bind", "listen", "memfd_create", "mlock", "mlockall,1", "mkdir", "truncate",
        "inotify_init1,0", "splice", "vmsplice", "copy_file_range", "seccomp", "landlock_create_ruleset",
        "name_to_handle_at", "sync", "setsid", "setitimer", "arch_prctl",
    ]

    /// The answers of a probe with the filter to these steps.
    private func answers(_ steps: [String]) throws -> [String] {
        let probe = try ChildProcess(
            "unshare", ["--pid", "--fork", "--kill-child", ChildProcess.probePath, "shut-in"] + steps)
        try #require(try probe.line() == "done")
        return try steps.map { _ in try probe.line() }
    }

    @Test func `Each call that no correct agent makes is refused with EPERM and reported, and the process continues`()
        throws
    {
        for call in Self.reported {
            // In a process of its own, so that a call that is not refused disturbs no other.
            let answers = try answers(["call=\(call)", "refused", "refused"])
            #expect(answers[0] == "Operation not permitted", "\(call)")
            #expect(answers[1].hasPrefix("\(call) ("), "\(call): \(answers[1])")
            #expect(answers[2] == "", "\(call)")
        }
    }

    @Test func `Each call and each argument that the filter does not list is refused with EPERM`() throws {
        for call in Self.unlisted {
            let answer = try answers(["call=\(call)"])[0]
            #expect(answer == "Operation not permitted", "\(call)")
        }
        #expect(try answers(["call=clone3"])[0] == "Function not implemented")
    }

    @Test func `A change of limits of process 1 or of the process itself is reported`() throws {
        #expect(try answers(["set-limit=1", "refused"])[1].hasPrefix("prlimit64 ("))
        #expect(try answers(["set-limit=self", "refused"])[1].hasPrefix("prlimit64 ("))
        #expect(try answers(["read-limit=1", "refused"])[1] == "")
    }
}
