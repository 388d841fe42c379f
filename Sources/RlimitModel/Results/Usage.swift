/// The resource usage of a process: the sixteen fields of getrusage(2), and the amount in use of each limited resource.
///
/// nil means that the kernel does not report the value for this process; it never means zero.
public struct Usage: Hashable, Sendable {
    /// Processor time in user mode (ru_utime).
    public var userTime: Duration?
    /// Processor time in the kernel (ru_stime).
    public var systemTime: Duration?
    /// The maximum resident size, in bytes (ru_maxrss, which getrusage(2) counts in KiB).
    public var maxResidentSize: UInt64?
    /// Always 0 from getrusage(2) on Linux (ru_ixrss).
    public var sharedTextSize: UInt64?
    /// Always 0 from getrusage(2) on Linux (ru_idrss).
    public var unsharedDataSize: UInt64?
    /// Always 0 from getrusage(2) on Linux (ru_isrss).
    public var unsharedStackSize: UInt64?
    /// Page faults served without reading from storage (ru_minflt).
    public var minorFaults: UInt64?
    /// Page faults that read from storage (ru_majflt).
    public var majorFaults: UInt64?
    /// Always 0 from getrusage(2) on Linux (ru_nswap).
    public var swaps: UInt64?
    /// Reads from storage, in blocks of 512 bytes (ru_inblock).
    public var blockInputs: UInt64?
    /// Writes to storage, in blocks of 512 bytes (ru_oublock).
    public var blockOutputs: UInt64?
    /// Always 0 from getrusage(2) on Linux (ru_msgsnd).
    public var messagesSent: UInt64?
    /// Always 0 from getrusage(2) on Linux (ru_msgrcv).
    public var messagesReceived: UInt64?
    /// Always 0 from getrusage(2) on Linux (ru_nsignals).
    public var signalsReceived: UInt64?
    /// Times a thread gave up the processor to wait (ru_nvcsw).
    public var voluntaryContextSwitches: UInt64?
    /// Times a thread was taken off the processor (ru_nivcsw).
    public var involuntaryContextSwitches: UInt64?
    /// Whether the context switches exclude those of ended threads, because /proc counts them per living thread.
    public var isPartial: Bool
    private var inUse: ResourceCounts

    package init() {
        isPartial = false
        inUse = ResourceCounts()
    }

    /// The amount of the resource in use, in its unit.
    public package(set) subscript(resource: Resource) -> UInt64? {
        get { inUse[resource] }
        set { inUse[resource] = newValue }
    }

    /// The threads or processes that usage covers.
    @nonexhaustive
    public enum Scope: Hashable, Sendable {
        /// All threads of the process (RUSAGE_SELF).
        case process
        /// Its children that have ended and were waited for (RUSAGE_CHILDREN).
        case children
        /// Both together (RUSAGE_BOTH).
        case processAndChildren
    }
}
