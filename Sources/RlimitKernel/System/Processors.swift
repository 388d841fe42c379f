internal import CRlimitLinux

/// The processors of this machine.
package enum Processors {
    /// The number of online processors, at least 1. Ignores the CPU affinity of this process, because the other end of
    /// a connection may run on any processor. sysconf(3).
    package static var online: Int { max(1, Int(rl_processor_count())) }
}
