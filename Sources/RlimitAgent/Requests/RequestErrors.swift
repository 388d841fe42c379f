package import RlimitModel

/// Errors that answer a request, or a connection, before the policy is asked.
extension RlimitError {
    package static func tooManyConnections(uid: UInt32, limit: Int) -> RlimitError {
        RlimitError(
            .quotaExceeded, message: "uid \(uid) has \(limit) connections or more, and may have no more now")
    }

    package static func rateExceeded(ratePerSecond: Int, retryAfter: Duration) -> RlimitError {
        RlimitError(
            .rateLimited, message: "more than \(ratePerSecond) requests a second; try again later",
            retryAfter: retryAfter)
    }

    /// The peer's process has ended, or has no pid in the agent's PID namespace.
    package static let peerNotVisible = RlimitError(
        .noSuchProcess, message: "the process that connected is not visible from the agent")

    package static let processEnded = RlimitError(.noSuchProcess, message: "no such process: it has ended")

    /// A pid means nothing to the agent where the caller is in another PID namespace.
    package static func pidOfOtherNamespace(_ pid: Int32) -> RlimitError {
        RlimitError(
            .pidfdRequired,
            message: "process \(pid) of which PID namespace? The caller's is not the agent's; send a pidfd")
    }

    // MARK: Descriptors that come with frames

    package static let severalDescriptors = RlimitError(
        .malformed, message: "a frame carries at most one descriptor")

    /// A descriptor came with bytes that belong to no frame which names one.
    package static let unrequestedDescriptor = RlimitError(
        .malformed, message: "a descriptor came that no frame asked for")

    package static let unnamedDescriptor = RlimitError(
        .malformed, message: "a descriptor came with a frame that names none")
}
