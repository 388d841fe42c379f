internal import CCapNG

/// Sets of capabilities as the kernel writes them, one bit for each capability.
package enum Capability {
    /// CAP_SYS_RESOURCE, which raises hard limits.
    package static let sysResource: UInt64 = 1 << UInt64(CAP_SYS_RESOURCE)
    /// CAP_SETPCAP, which allows a process to drop capabilities from its bounding set.
    static let setpcap: UInt64 = 1 << UInt64(CAP_SETPCAP)
}
