internal import CRlimitLinux
internal import Glibc

/// The system calls that the agent's filter permits and reports.
enum SystemCalls {
    /// A condition on one argument of a call, counted from 0.
    enum Comparison {
        /// The bits of the mask have this value.
        case masked(UInt32, mask: UInt64, UInt64)
        /// The argument has another value.
        case not(UInt32, UInt64)

        /// The kernel reads only the lower 32 bits of an int argument.
        static func lowerHalf(_ argument: UInt32, _ value: UInt32) -> Comparison {
            .masked(argument, mask: 0xFFFF_FFFF, UInt64(value))
        }
    }

    /// A permitted call, with the rules of which one must match. A call without rules is permitted with all arguments.
    typealias Permission = (call: String, rules: [[Comparison]])

    /// The calls of the agent.
    static func permitted(inProcess pid: Int32) -> [Permission] {
        common + [
            // A second filter refuses changes of some limits.
            ("prlimit64", []),
            // A new thread of this process, in no namespace of its own.
            ("clone", [[.masked(0, mask: threadFlags | forbiddenCloneFlags, threadFlags)]]),
            // abort(3) and raise(3).
            ("tgkill", [[.lowerHalf(0, UInt32(bitPattern: pid))]]),
            // No memory is or becomes executable.
            ("mmap", [[.masked(2, mask: UInt64(PROT_EXEC), 0)]]),
        ]
    }

    /// The calls of the process that looks up users and groups, or those of the process for one lookup.
    ///
    /// Modules of nsswitch.conf(5) ask services through Unix sockets and read files. Modules that use a network themselves
    /// find no entry.
    static func accounts(isWorker: Bool) -> [Permission] {
        let lookup: [Permission] =
            withAllArguments(forLookups) + [
                ("prlimit64", [[.masked(2, mask: .max, 0)]]),
                ("socketpair", [[.lowerHalf(0, UInt32(AF_UNIX))]]),
                // Modules are mapped readable and executable. No memory is writable as well.
                (
                    "mmap",
                    [0, PROT_WRITE, PROT_EXEC].map {
                        [.masked(2, mask: UInt64(PROT_WRITE | PROT_EXEC), UInt64($0))]
                    }
                ),
            ]
        if isWorker {
            return common + lookup + [("clone", [[.masked(0, mask: threadFlags | forbiddenCloneFlags, threadFlags)]])]
        }
        // PR_SET_PDEATHSIG and PR_SET_NO_NEW_PRIVS, and what a process for one lookup takes.
        return common + lookup + [
            ("clone", [[.masked(0, mask: forbiddenCloneFlags, 0)]]), ("wait4", []), ("kill", []), ("seccomp", []),
            ("prctl", [1, 38].map { [.lowerHalf(0, $0)] }),
        ]
    }

    private static let common: [Permission] =
        withAllArguments(plain) + [
            ("socket", [[.lowerHalf(0, UInt32(AF_UNIX))]]),
            ("setsockopt", socketOptions.map { [.lowerHalf(1, UInt32(SOL_SOCKET)), .lowerHalf(2, $0)] }),
            ("getsockopt", [[.lowerHalf(1, UInt32(SOL_SOCKET))]]),
            ("ioctl", ioctls.map { [.lowerHalf(1, $0)] }),
            ("fcntl", fcntls.map { [.lowerHalf(1, UInt32($0))] }),
            ("prctl", prctls.map { [.lowerHalf(0, $0)] }),
            ("mprotect", [[.masked(2, mask: UInt64(PROT_EXEC), 0)]]),
        ]

    private static func withAllArguments(_ calls: [String]) -> [Permission] { calls.map { (call: $0, rules: []) } }

    private static let forLookups = [
        "access", "faccessat", "faccessat2", "pipe", "pipe2", "getdents", "fadvise64", "mincore", "sendfile",
        "getxattr",
        "lgetxattr", "fgetxattr", "memfd_create", "ftruncate", "name_to_handle_at", "sendmmsg", "recvmmsg",
    ]

    private static let plain = [
        // Sockets and files.
        "accept4", "connect", "recvfrom", "recvmsg", "sendto", "sendmsg", "shutdown", "getsockname",
        "read", "readv", "pread64", "write", "writev", "close", "dup", "lseek", "open", "openat",
        "openat2", "stat", "lstat", "fstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat",
        "faccessat2",
        "readlink", "readlinkat", "getdents64", "unlink", "unlinkat", "rename", "renameat", "renameat2", "flock",
        "fsync", "fdatasync", "getcwd", "umask",
        // Events and time.
        "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "poll", "ppoll", "select", "pselect6", "eventfd2",
        "signalfd4", "timerfd_create", "timerfd_settime", "timer_create", "timer_settime", "timer_delete",
        // These are calls only where the vDSO cannot answer.
        "clock_gettime", "clock_getres", "gettimeofday", "time", "getcpu", "nanosleep", "clock_nanosleep",
        // Processes.
        "pidfd_open", "waitid", "getrlimit", "getrusage",
        // Memory, threads and signals of this process.
        "munmap", "mremap", "madvise", "brk", "futex", "set_robust_list", "rseq", "set_tid_address", "membarrier",
        "sched_yield", "sched_getaffinity", "sched_getscheduler", "sched_getparam", "sched_getattr", "rt_sigaction",
        "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "exit", "exit_group",
        // Facts about this process and the system.
        "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups",
        "uname", "sysinfo", "getrandom", "capget",
    ]

    /// SO_SNDBUF, SO_RCVBUF, SO_PASSCRED, SO_RCVTIMEO and SO_SNDTIMEO with both widths of time, SO_PASSSEC,
    /// SO_PASSPIDFD, SO_PASSRIGHTS. None attaches a filter program.
    private static let socketOptions: [UInt32] = [7, 8, 16, 20, 21, 34, 66, 67, 76, 83]

    /// PIDFD_GET_INFO, SIOCINQ, SIOCOUTQ, and TCGETS of isatty(3).
    private static let ioctls: [UInt32] = [0xC040_FF0B, 0x541B, 0x5411, 0x5401]

    private static let fcntls = [F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL]

    /// PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, and PR_SET_VMA, which names a mapping.
    private static let prctls: [UInt32] = [15, 16, 3, 0x5356_4D41]

    /// CLONE_VM, CLONE_SIGHAND and CLONE_THREAD.
    private static let threadFlags: UInt64 = 0x100 | 0x800 | 0x10000
    /// All CLONE_NEW flags of clone(2), CLONE_PTRACE and CLONE_PIDFD.
    private static let forbiddenCloneFlags: UInt64 = 0x7E02_0000 | 0x2000 | 0x1000

    /// Calls that no correct agent, and no library in it, makes. `RefusedCalls` counts them.
    static let reported = [
        "execve", "execveat", "fork", "vfork", "setrlimit", "ptrace", "process_vm_readv", "process_vm_writev",
        "process_madvise", "process_mrelease", "kill", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
        "pidfd_send_signal", "pidfd_getfd", "kcmp", "mount", "umount2", "move_mount", "open_tree", "mount_setattr",
        "fsopen", "fsconfig", "fsmount", "fspick", "pivot_root", "chroot", "unshare", "setns", "bpf", "perf_event_open",
        "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "init_module", "finit_module",
        "delete_module", "kexec_load", "kexec_file_load", "keyctl", "add_key", "request_key", "quotactl", "quotactl_fd",
        "swapon", "swapoff", "reboot", "open_by_handle_at", "mknod", "mknodat", "clock_settime",
        "clock_adjtime", "adjtimex", "settimeofday", "sched_setscheduler", "sched_setattr", "setpriority", "ioprio_set",
        "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid",
        "capset", "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "setxattr", "lsetxattr",
        "fsetxattr", "link", "linkat", "symlink", "symlinkat", "acct", "sethostname", "setdomainname", "iopl", "ioperm",
        "modify_ldt", "personality", "syslog", "vhangup", "memfd_secret", "shmget", "shmat", "semget", "msgget",
        "mq_open", "fanotify_init",
    ]
}
