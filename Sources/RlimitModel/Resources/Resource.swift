/// A resource with limits in Linux: one case for each RLIMIT_* name of getrlimit(2).
///
/// The cases have the order of the Linux headers. `name` is the short name that policy files and `rlimitctl` use. For a
/// C name such as `Resource.nofile`, the compiler proposes the case, here `openFiles`.
@nonexhaustive
public enum Resource: Hashable, CaseIterable, Sendable {
    /// RLIMIT_CPU: processor time of all threads, in seconds. SIGXCPU at the soft limit, SIGKILL at the hard one.
    case cpuTime
    /// RLIMIT_FSIZE: the size a file may be extended to, in bytes. SIGXFSZ and EFBIG beyond it.
    case fileSize
    /// RLIMIT_DATA: initialised and uninitialised data, heap and private writable mappings, in bytes.
    case dataSize
    /// RLIMIT_STACK: the main thread's stack, and the default for new threads, in bytes.
    case stackSize
    /// RLIMIT_CORE: the size of a core dump, in bytes; 0 writes none.
    case coreFileSize
    /// RLIMIT_RSS: resident memory, in bytes. Without effect since Linux 2.4.30.
    case residentSetSize
    /// RLIMIT_NPROC: threads of the real user id, counted per user and compared per process.
    case processes
    /// RLIMIT_NOFILE: one more than the highest descriptor that may be opened; at most `fs.nr_open`.
    case openFiles
    /// RLIMIT_MEMLOCK: memory locked with mlock(2) and similar calls, in bytes.
    case lockedMemory
    /// RLIMIT_AS: the whole address space, in bytes.
    case addressSpace
    /// RLIMIT_LOCKS: flock(2) locks and fcntl(2) leases. Without effect since Linux 2.4.25.
    case fileLocks
    /// RLIMIT_SIGPENDING: signals queued for the real user id.
    case pendingSignals
    /// RLIMIT_MSGQUEUE: POSIX message queues of the real user id, in bytes.
    case messageQueueBytes
    /// RLIMIT_NICE: 20 minus the lowest nice value that may be set; 1 (nice 19) to 40 (nice -20).
    case nice
    /// RLIMIT_RTPRIO: the highest real-time priority that may be set, 0 to 99.
    case realtimePriority
    /// RLIMIT_RTTIME: processor time of a real-time thread between two blocking calls, in microseconds.
    case realtimeTimeout

    /// The two resources that limit time, and can be given as a `Duration`.
    public enum Timed: Hashable, Sendable {
        /// RLIMIT_CPU, in seconds.
        case cpuTime
        /// RLIMIT_RTTIME, in microseconds.
        case realtimeTimeout

        /// The resource of this case.
        public var resource: Resource {
            switch self {
            case .cpuTime: .cpuTime
            case .realtimeTimeout: .realtimeTimeout
            }
        }
    }

    /// The unit of a resource.
    @nonexhaustive
    public enum Unit: Hashable, Sendable {
        case bytes, seconds, microseconds, count, niceLevel, priority
    }

    /// The unit in which the kernel counts this resource.
    public var unit: Unit {
        switch self {
        case .fileSize, .dataSize, .stackSize, .coreFileSize, .residentSetSize: .bytes
        case .lockedMemory, .addressSpace, .messageQueueBytes: .bytes
        case .cpuTime: .seconds
        case .realtimeTimeout: .microseconds
        case .processes, .openFiles, .fileLocks, .pendingSignals: .count
        case .nice: .niceLevel
        case .realtimePriority: .priority
        }
    }

    /// The index of this resource, from 0, in the order of the Linux headers.
    package var index: Int {
        switch self {
        case .cpuTime: 0
        case .fileSize: 1
        case .dataSize: 2
        case .stackSize: 3
        case .coreFileSize: 4
        case .residentSetSize: 5
        case .processes: 6
        case .openFiles: 7
        case .lockedMemory: 8
        case .addressSpace: 9
        case .fileLocks: 10
        case .pendingSignals: 11
        case .messageQueueBytes: 12
        case .nice: 13
        case .realtimePriority: 14
        case .realtimeTimeout: 15
        }
    }

    /// The number of resources.
    package static let count = 16

    /// The resource at an index; nil if there is none. A switch instead of a table avoids an allocation.
    package init?(index: Int) {
        switch index {
        case 0: self = .cpuTime
        case 1: self = .fileSize
        case 2: self = .dataSize
        case 3: self = .stackSize
        case 4: self = .coreFileSize
        case 5: self = .residentSetSize
        case 6: self = .processes
        case 7: self = .openFiles
        case 8: self = .lockedMemory
        case 9: self = .addressSpace
        case 10: self = .fileLocks
        case 11: self = .pendingSignals
        case 12: self = .messageQueueBytes
        case 13: self = .nice
        case 14: self = .realtimePriority
        case 15: self = .realtimeTimeout
        default: return nil
        }
    }
}

extension Resource {
    /// The resources that can be leased. When such a lease ends, lowering the limit takes effect for new allocations
    /// and breaks nothing that the process already has. Lowering one of the others can end the process, and lowering
    /// the limits of the priorities has no effect on a priority in force.
    package static let leasable: [Resource] = [
        .coreFileSize, .processes, .openFiles, .lockedMemory, .pendingSignals, .messageQueueBytes,
    ]

    package var isLeasable: Bool { Self.leasable.contains(self) }

    /// Whether the kernel counts it per user and, since Linux 5.14, also applies the limits of every user namespace
    /// between the process and the root (ucounts).
    package var isCappedByUserNamespaces: Bool {
        switch self {
        case .processes, .pendingSignals, .messageQueueBytes: true
        default: false
        }
    }
}
