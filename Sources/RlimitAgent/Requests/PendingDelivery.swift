/// The responses that one session is sent at the end of an iteration.
struct PendingDelivery {
    let session: Session
    /// Their range in the output buffer of `ReplySender`.
    var bytes = 0..<0
    /// Their range in `GetBatch`, for responses that are encoded when they are sent. At most one of the two ranges is not empty.
    var gets = 0..<0
    /// Whether the connection failed, so that the session ends and no response is sent.
    var hasFailed = false

    init(_ session: Session) { self.session = session }
}
