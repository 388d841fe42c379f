import RlimitKernel
import RlimitModel
import RlimitWire

/// Encodes responses, collects them in one buffer for an iteration of the event loop, and sends them.
///
/// Bytes that a socket does not accept move to the session's `unsent` buffer and are sent before any later response.
struct ReplySender: ~Copyable {
    private var encoder = ResponseEncoder()
    private var output = ByteQueue()
    // Where the responses to the current session begin in `output`.
    private var sessionStart = 0
    /// What is sent to each session at the end of the iteration.
    private(set) var deliveries: [PendingDelivery] = []

    /// The number of bytes of responses with which all turns end.
    private static let maxOutput = 64 * 1024
    /// The number of bytes of responses with which a session's turn ends. If the peer does not read, the agent holds
    /// these, and the last response.
    private static let maxSessionOutput = 16 * 1024

    /// Whether the responses to all sessions together are to be sent before others are encoded.
    var isFull: Bool { output.count >= Self.maxOutput }
    /// The end of the output buffer, as the start for `sendNow(from:to:)`.
    var end: Int { output.count }

    // MARK: The session that is served

    /// Begins the responses to another session.
    mutating func beginSession() { sessionStart = output.count }
    /// The responses to the current session.
    var sessionBytes: Range<Int> { sessionStart..<output.count }
    var isSessionEmpty: Bool { output.count == sessionStart }
    /// Whether the current session may be sent another response in this turn.
    var hasRoomForSession: Bool { output.count - sessionStart < Self.maxSessionOutput }
    /// Discards the responses to the current session.
    mutating func discardSession() { output.truncate(to: sessionStart) }

    mutating func append(_ response: Response) { encoder.encode(response, into: &output) }

    /// Appends the response to a get of one limit.
    mutating func append(_ limit: Limit, of resource: Resource, id: UInt64) {
        encoder.encode(limit, of: resource, id: id, into: &output)
    }

    mutating func append(_ delivery: PendingDelivery) { deliveries.append(delivery) }

    /// Discards what was delivered.
    mutating func removeAll() {
        deliveries.removeAll(keepingCapacity: true)
        output.removeAll()
    }

    // MARK: Sending

    /// Sends what the peer did not accept before.
    ///
    /// - Returns: Whether the peer has accepted all of it.
    func sendUnsent(of session: Session) throws(SystemError) -> Bool {
        guard let unsent = session.unsent else { return true }
        while !unsent.bytes.isEmpty {
            let count = try unsafe unsent.bytes.withUnsafeBytes { bytes throws(SystemError) in
                unsafe try Self.send(bytes, to: session, isProgress: true)
            }
            unsent.bytes.consume(count)
            if !unsent.bytes.isEmpty { return false }
        }
        session.unsent = nil
        return true
    }

    // Sends as much as the socket accepts, and returns how much that is. One call of send(2) for each page: the kernel
    // frees a message when the peer has read all of it, so this shows earlier that a slow peer reads.
    private static func send(
        _ bytes: UnsafeRawBufferPointer, to session: Session, isProgress: Bool = false
    ) throws(SystemError) -> Int {
        var sent = 0
        // A local variable, for which the compiler checks exclusive access statically.
        var buffers = session.buffers
        defer { session.buffers = buffers }
        while sent < bytes.count {
            let end = min(bytes.count, sent + StreamSocket.pageMessageSize)
            let message = unsafe UnsafeRawBufferPointer(rebasing: bytes[sent..<end])
            guard let count = try unsafe session.socket.send(message) else { break }
            buffers.recordSend(count, isProgress: isProgress)
            sent += count
            if sent < end { break }
        }
        return sent
    }

    /// Sends a range of the output buffer.
    ///
    /// - Returns: False if some of it moved to the session's `unsent` buffer.
    func send(_ range: Range<Int>, to session: Session) throws(SystemError) -> Bool {
        guard !range.isEmpty else { return session.unsent == nil }
        return try unsafe output.withUnsafeBytes { output throws(SystemError) in
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: output[range])
            // Earlier bytes go first.
            let count = session.unsent == nil ? try unsafe Self.send(bytes, to: session) : 0
            if count == bytes.count { return true }
            let unsent = session.unsent ?? PartialBuffer()
            unsafe unsent.bytes.append(UnsafeRawBufferPointer(rebasing: bytes[count...]))
            session.unsent = unsent
            return false
        }
    }

    /// Sends what was appended to the output buffer from `start` on, and removes it from the buffer.
    ///
    /// - Returns: False if some of it moved to the session's `unsent` buffer.
    @discardableResult
    mutating func sendNow(from start: Int, to session: Session) throws(SystemError) -> Bool {
        defer { output.truncate(to: start) }
        return try send(start..<output.count, to: session)
    }

    /// Sends the reason for rejecting a connection, as far as the socket buffer allows.
    mutating func reject(_ socket: borrowing StreamSocket, _ error: RlimitError) {
        let start = output.count
        append(Response(id: 0, .failure(error)))
        _ = unsafe output.withUnsafeBytes { bytes in
            unsafe try? socket.send(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        }
        output.truncate(to: start)
    }
}

/// The responses that one session is sent at the end of an iteration.
struct PendingDelivery {
    let session: Session
    /// Their range in the output buffer of `ReplySender`.
    var bytes = 0..<0
    /// Their range in `GetBatch`, for responses that are encoded when they are sent. At most one of the two ranges is
    /// not empty.
    var gets = 0..<0
    /// Whether the connection failed, so that the session ends and no response is sent.
    var hasFailed = false

    init(_ session: Session) { self.session = session }
}
