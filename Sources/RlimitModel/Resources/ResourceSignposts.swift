// The C names, unavailable: the compiler proposes the Swift case for each.

extension Resource {
    /// RLIMIT_CPU is `cpuTime`.
    @available(*, unavailable, renamed: "cpuTime")
    public static var cpu: Resource { .cpuTime }
    /// RLIMIT_FSIZE is `fileSize`.
    @available(*, unavailable, renamed: "fileSize")
    public static var fsize: Resource { .fileSize }
    /// RLIMIT_DATA is `dataSize`.
    @available(*, unavailable, renamed: "dataSize")
    public static var data: Resource { .dataSize }
    /// RLIMIT_STACK is `stackSize`.
    @available(*, unavailable, renamed: "stackSize")
    public static var stack: Resource { .stackSize }
    /// RLIMIT_CORE is `coreFileSize`.
    @available(*, unavailable, renamed: "coreFileSize")
    public static var core: Resource { .coreFileSize }
    /// RLIMIT_RSS is `residentSetSize`.
    @available(*, unavailable, renamed: "residentSetSize")
    public static var rss: Resource { .residentSetSize }
    /// RLIMIT_NPROC is `processes`.
    @available(*, unavailable, renamed: "processes")
    public static var nproc: Resource { .processes }
    /// RLIMIT_NOFILE is `openFiles`.
    @available(*, unavailable, renamed: "openFiles")
    public static var nofile: Resource { .openFiles }
    /// RLIMIT_OFILE is `openFiles`.
    @available(*, unavailable, renamed: "openFiles")
    public static var ofile: Resource { .openFiles }
    /// RLIMIT_MEMLOCK is `lockedMemory`.
    @available(*, unavailable, renamed: "lockedMemory")
    public static var memlock: Resource { .lockedMemory }
    /// RLIMIT_AS is `addressSpace`.
    @available(*, unavailable, renamed: "addressSpace")
    public static var `as`: Resource { .addressSpace }
    /// RLIMIT_VMEM is `addressSpace`.
    @available(*, unavailable, renamed: "addressSpace")
    public static var vmem: Resource { .addressSpace }
    /// RLIMIT_LOCKS is `fileLocks`.
    @available(*, unavailable, renamed: "fileLocks")
    public static var locks: Resource { .fileLocks }
    /// RLIMIT_SIGPENDING is `pendingSignals`.
    @available(*, unavailable, renamed: "pendingSignals")
    public static var sigpending: Resource { .pendingSignals }
    /// RLIMIT_MSGQUEUE is `messageQueueBytes`.
    @available(*, unavailable, renamed: "messageQueueBytes")
    public static var msgqueue: Resource { .messageQueueBytes }
    /// RLIMIT_RTPRIO is `realtimePriority`.
    @available(*, unavailable, renamed: "realtimePriority")
    public static var rtprio: Resource { .realtimePriority }
    /// RLIMIT_RTTIME is `realtimeTimeout`.
    @available(*, unavailable, renamed: "realtimeTimeout")
    public static var rttime: Resource { .realtimeTimeout }
}
