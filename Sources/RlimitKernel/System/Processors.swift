internal import CRlimitLinux

/// The processors of this machine.
package enum Processors {
    /// How many are at work; at least 1. Whoever is bound to one of them can still wait for what runs on another.
    /// sysconf(3).
    package static var online: Int { max(1, Int(rl_processor_count())) }
}
