internal import CRlimitLinux
internal import Glibc
internal import Synchronization

/// Distinguishes a process from the one that it was forked from. State that the parent tagged is not valid in the
/// child.
package struct ForkGeneration: Hashable, Sendable {
    private let pid: Int32
    // Parent and child may both have pid 1, each in its own PID namespace.
    private let forks: Int

    /// The generation of the calling process. getpid(2), pthread_atfork(3), MADV_WIPEONFORK of madvise(2).
    package static var current: ForkGeneration {
        _ = isForkHandlerInstalled
        return ForkGeneration(pid: pid, forks: forkCount.load(ordering: .relaxed))
    }

    private static var pid: Int32 {
        guard let cachedPID = unsafe cachedPID else { return rl_process_id() }
        return unsafe rl_process_id_cached(cachedPID)
    }

    // Never unmapped.
    private nonisolated(unsafe) static let cachedPID = unsafe rl_wiped_on_fork()

    private static let forkCount = Atomic(0)
    private static let isForkHandlerInstalled: Bool = {
        _ = forkCount.load(ordering: .relaxed)
        return pthread_atfork(nil, nil, { ForkGeneration.forkCount.add(1, ordering: .relaxed) }) == 0
    }()
}
