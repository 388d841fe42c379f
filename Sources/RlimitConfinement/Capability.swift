internal import CCapNG

/// The one capability that all this is about, and sets of capabilities as the kernel writes them: a bit each.
package enum Capability {
    /// CAP_SYS_RESOURCE as a set.
    package static let sysResource: UInt64 = 1 << UInt64(CAP_SYS_RESOURCE)
    /// CAP_SETPCAP as a set: who has it may drop from the bounding set.
    static let setpcap: UInt64 = 1 << UInt64(CAP_SETPCAP)
}
