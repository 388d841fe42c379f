import RlimitModel

/// The bounds that PROTOCOL.md states for the fields of a request.
package enum RequestBounds {
    /// Maximum of `Request.timeout_ms`: an hour.
    package static let maxTimeoutMilliseconds: UInt64 = 3_600_000
    /// Maximum of `Lease.duration_ms`: 365 days.
    package static let maxLeaseMilliseconds: UInt64 = 31_536_000_000
    /// Maximum size of the path of a cgroup or pod in bytes.
    package static let maxPathLength = 1024
    /// Maximum size of a lease id in bytes.
    package static let maxLeaseIDLength = LeaseInfo.ID.maxByteCount
}
