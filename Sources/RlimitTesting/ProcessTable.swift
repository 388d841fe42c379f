import RlimitAgent
import RlimitKernel
import RlimitModel

/// The processes that an agent for tests has met. Each is held by a pidfd, so that a reused pid is a new process.
struct ProcessTable {
    /// The limits that each process begins with.
    let start: Limits
    private var processes: [Int32: SimulatedProcess] = [:]

    /// - Parameter given: Limits that differ from those of a process at boot.
    /// - Throws: `.softExceedsHard`.
    init(startingWith given: [Resource: Limit]) throws(RlimitError) {
        var start = Self.bootLimits
        for resource in Resource.allCases {
            guard let limit = given[resource] else { continue }
            guard limit.soft <= limit.hard else {
                throw RlimitError(
                    .softExceedsHard,
                    message: "a process cannot begin with \(resource) \(limit): the soft limit exceeds the hard limit",
                    resource: resource)
            }
            start[resource] = limit
        }
        self.start = start
    }

    // What Linux gives to the first process.
    private static let bootLimits: Limits = {
        var limits = Limits(repeating: Limit(.infinity))
        limits[.openFiles] = Limit(soft: 1024, hard: 4096)
        limits[.stackSize] = Limit(soft: .mebibytes(8), hard: .infinity)
        limits[.coreFileSize] = Limit(soft: 0, hard: .infinity)
        limits[.lockedMemory] = Limit(.mebibytes(8))
        // The kernel derives these two from the size of memory; this is a machine with 8 GiB.
        limits[.processes] = Limit(30_000)
        limits[.pendingSignals] = Limit(30_000)
        limits[.messageQueueBytes] = Limit(819_200)
        limits[.nice] = Limit(0)
        limits[.realtimePriority] = Limit(0)
        return limits
    }()

    /// The processes that still run, by pid.
    var living: [SimulatedProcess] {
        processes.values.filter { !$0.hasEnded }.sorted { $0.pid < $1.pid }
    }

    /// The running process with this pid, if the agent has met it.
    func known(_ pid: Int32) -> SimulatedProcess? { processes[pid].flatMap { $0.hasEnded ? nil : $0 } }

    /// The process at the other end of a connection; nil where it has no pid here, or has ended.
    mutating func connected(_ accepted: consuming AcceptedPeer) -> SimulatedProcess? {
        let peer = accepted.peer
        guard let pid = peer.pid else { return nil }
        guard let pidfd = accepted.pidfd.take() else {
            return known(pid)
                ?? insert(SimulatedProcess(pid: pid, Credentials(uid: peer.uid, gid: peer.gid), limits: start))
        }
        guard let process = try? LinuxProcess(pidfd) else { return nil }
        return insertIfAbsent(process)
    }

    /// - Throws: `.noSuchProcess`.
    mutating func named(_ pid: Int32) throws(RlimitError) -> SimulatedProcess {
        if let process = known(pid) { return process }
        return insertIfAbsent(try LinuxProcess(pid: pid))
    }

    /// The process of a descriptor that a peer sent.
    ///
    /// - Throws: `.malformed` for no descriptor, or one that is not a pidfd of a process; `.noSuchProcess`.
    mutating func process(receivedPidfd descriptor: consuming FileDescriptor?) throws(RlimitError) -> SimulatedProcess {
        insertIfAbsent(try LinuxProcess(receivedPidfd: descriptor))
    }

    private mutating func insertIfAbsent(_ process: consuming LinuxProcess) -> SimulatedProcess {
        if let known = known(process.pid) { return known }
        return insert(SimulatedProcess(process, limits: start))
    }

    private mutating func insert(_ process: SimulatedProcess) -> SimulatedProcess {
        processes[process.pid] = process
        return process
    }
}
