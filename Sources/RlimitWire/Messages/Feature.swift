/// The names in `ServerInfo.features`. PROTOCOL.md defines each; clients ignore names that they do not know.
package enum Feature: String, CaseIterable, Sendable {
    /// `set` and `prlimit`, with up to sixteen edits in one request.
    case batch
    /// `explain`.
    case explain
    /// Targets by pidfd.
    case pidfd
    /// `usage`.
    case usage
    /// Leases and the three operations on leases.
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
