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

    // MARK: Peers that do not read

    /// A long request was given up.
    package static let responsesNotRead = RlimitError(
        .rateLimited, message: "the request was given up because the caller does not read the responses before it",
        retryAfter: .seconds(1))

    /// The connection is closed.
    package static func unreadResponses(for time: Duration) -> RlimitError {
        RlimitError(.quotaExceeded, message: "the peer has not read its responses for \(time)")
    }

    /// The connection is closed. `uid` identifies the tenant in the log.
    package static let noRoomForResponses = RlimitError(
        .quotaExceeded, message: "the connections of this tenant hold too many responses that their peers do not read")

    // MARK: Requests

    /// The log takes no more lines, and a change would have none.
    package static let auditNotTaken = RlimitError(
        .quotaExceeded,
        message: "the audit is not taken: the agent's log accepts no more lines, so the agent makes no change; "
            + "try again when the log is read")

    /// The peer's process has ended, or has no pid in the agent's PID namespace.
    package static let peerNotVisible = RlimitError(
        .noSuchProcess, message: "the process that connected is not visible from the agent")

    package static let processEnded = RlimitError(.noSuchProcess, message: "no such process: it has ended")

    /// The caller named a process by pid and is in another PID namespace, so the agent cannot resolve the pid.
    package static func pidOfOtherNamespace(_ pid: Int32) -> RlimitError {
        RlimitError(
            .pidfdRequired,
            message: "pid \(pid) is from the caller's PID namespace, which is not the agent's; send a pidfd")
    }

    /// The pid belongs to another process than the one that the caller identified.
    package static func pidReused(_ pid: Int32) -> RlimitError {
        RlimitError(
            .noSuchProcess,
            message: "pid \(pid) is not the process that the caller means: that one has ended, or its identity is wrong"
        )
    }

    // MARK: Descriptors that come with frames

    package static let severalDescriptors = RlimitError(
        .malformed, message: "a frame carries at most one descriptor")

    /// A descriptor came with bytes, and no frame that begins in them refers to a descriptor.
    package static let unrequestedDescriptor = RlimitError(
        .malformed, message: "a descriptor arrived, and no frame refers to one")

    package static let unnamedDescriptor = RlimitError(
        .malformed, message: "a descriptor came with a frame that does not refer to one")
}
