import RlimitModel

/// The numbers that PROTOCOL.md states of what is inside a request.
package enum RequestBounds {
    /// `Request.timeout_ms`: an hour.
    package static let maxTimeoutMilliseconds: UInt64 = 3_600_000
    /// `Lease.duration_ms`: 365 days.
    package static let maxLeaseMilliseconds: UInt64 = 31_536_000_000
    /// Bytes in the path of a cgroup or pod.
    package static let maxPathLength = 1024
    /// Bytes in the name of a lease.
    package static let maxLeaseIDLength = LeaseInfo.ID.maxByteCount
}
