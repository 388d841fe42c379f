/// The words of `ServerInfo.features`. PROTOCOL.md says what each promises; a client passes over words it does not know.
package enum Feature: String, CaseIterable, Sendable {
    /// `set` and `prlimit`, up to sixteen edits in one.
    case batch
    /// `explain`.
    case explain
    /// Targets by pidfd.
    case pidfd
    /// `usage`.
    case usage
    /// Leases, and the three operations on them.
    case leases
    /// Targets by cgroup.
    case cgroups
    /// Targets by pod.
    case pods
    /// SO_PEERPIDFD, Linux 6.5.
    case peerPidfd = "peer-pidfd"
    /// PIDFD_GET_INFO, Linux 6.13.
    case pidfdInfo = "pidfd-info"
}
