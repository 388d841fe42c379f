internal import CRlimitLinux

/// The processors of this machine.
package enum Processors {
    /// How many the calling thread may run on; at least 1. sched_getaffinity(2).
    package static var available: Int { max(1, Int(rl_processor_count())) }
}
