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
    /// `Target.pidfd_inode` and `Target.start_time`.
    case pidIdentity = "pid-identity"
    /// `lease_status`, and `Error.lease_end`.
    case leaseStatus = "lease-status"
    /// The process and the holder of a lease in `lease_list`.
    case leaseHolders = "lease-holders"
    /// `Explain.steps`.
    case explainSteps = "explain-steps"
    /// The counters of `Stats` from `reloads_total` on.
    case metrics
    /// `attest`.
    case podFacts = "pod-facts"
    /// `declare`.
    case declare
}
