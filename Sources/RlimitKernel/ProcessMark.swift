internal import CRlimitLinux
internal import Glibc
internal import Synchronization

/// Tells a process from the one that it was forked from: what the parent keeps under one mark is not the child's.
package struct ProcessMark: Hashable, Sendable {
    private let pid: Int32
    // Two processes may both be number 1, each in its own PID namespace.
    private let forks: Int

    /// The one of the process that calls. getpid(2), pthread_atfork(3).
    package static var current: ProcessMark {
        _ = isCounting
        return ProcessMark(pid: rl_process_id(), forks: forkCount.load(ordering: .relaxed))
    }

    private static let forkCount = Atomic(0)
    private static let isCounting: Bool = {
        _ = forkCount.load(ordering: .relaxed)
        return pthread_atfork(nil, nil, { ProcessMark.forkCount.add(1, ordering: .relaxed) }) == 0
    }()
}
