internal import CRlimitLinux
internal import Glibc
internal import Synchronization

/// Tells a process from the one that it was forked from: what the parent keeps under one mark is not the child's.
package struct ProcessMark: Hashable, Sendable {
    private let pid: Int32
    // Two processes may both be number 1, each in its own PID namespace.
    private let forks: Int

    /// The one of the process that calls. getpid(2), pthread_atfork(3), MADV_WIPEONFORK of madvise(2).
    package static var current: ProcessMark {
        _ = isCounting
        return ProcessMark(pid: pid, forks: forkCount.load(ordering: .relaxed))
    }

    private static var pid: Int32 {
        guard let keptPID = unsafe keptPID else { return rl_process_id() }
        return unsafe rl_process_id_kept(keptPID)
    }

    // Never given back.
    private nonisolated(unsafe) static let keptPID = unsafe rl_wiped_on_fork()

    private static let forkCount = Atomic(0)
    private static let isCounting: Bool = {
        _ = forkCount.load(ordering: .relaxed)
        return pthread_atfork(nil, nil, { ProcessMark.forkCount.add(1, ordering: .relaxed) }) == 0
    }()
}
