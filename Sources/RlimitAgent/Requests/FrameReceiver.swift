import RlimitKernel
import RlimitModel
import RlimitWire

/// Receives bytes and descriptors from sessions, and keeps what belongs to a frame that is not complete.
struct FrameReceiver: ~Copyable {
    // What the current session sent. Unprocessed bytes move to the session's `unread` buffer at the end of its turn.
    private var input = ByteQueue()
    /// The number of sessions that have sent the beginning of a frame and not yet its end.
    private(set) var partialFrameSessions = 0

    /// The maximum number of bytes in one read.
    private static let readSize = 16 * 1024

    var isEmpty: Bool { input.isEmpty }

    /// Discards what the current session sent.
    mutating func removeAll() { input.removeAll() }

    /// Exchanges the received bytes with `bytes`. The caller processes frames outside of the receiver, because that
    /// needs exclusive access to the rest of the dispatcher.
    mutating func swapInput(with bytes: inout ByteQueue) { swap(&input, &bytes) }

    /// Reads once from a session's socket, after the bytes that are left from its last turn. At the end of the stream
    /// it sets `hasReachedEOF`.
    ///
    /// - Returns: The peer's protocol violation, if there is one.
    mutating func receive(from session: Session) throws(SystemError) -> RlimitError? {
        if let unread = session.unread.take() { unread.bytes.withBytes { input.append($0) } }
        // Complete frames from the last turn come first. Meanwhile the kernel keeps the rest.
        if session.hasCompleteFrames {
            session.hasReachedEOF = false
            return nil
        }
        let start = session.position + UInt64(input.count)
        guard session.mayAttachPidfd else {
            let count = try unsafe receiveBytes { space throws(SystemError) in
                unsafe try session.socket.receive(into: space)
            }
            session.hasReachedEOF = count == nil
            return nil
        }
        var received: FileDescriptor?
        var isBroken = false
        let count = try unsafe receiveBytes { space throws(SystemError) in
            switch unsafe try session.socket.receiveWithDescriptor(into: space) {
            case .bytes(let count, let descriptor):
                received = descriptor
                return .bytes(count)
            case .wouldBlock: return .wouldBlock
            case .end: return .end
            case .fault:
                isBroken = true
                return .wouldBlock
            }
        }
        if let received = received.take() {
            isBroken = session.receivedDescriptor != nil
            session.receivedDescriptor = ReceivedDescriptor(
                descriptor: received, range: start..<start + UInt64(count ?? 0))
        }
        session.hasReachedEOF = count == nil
        return isBroken ? .severalDescriptors : nil
    }

    // The number of bytes received; nil at the end of the stream.
    private mutating func receiveBytes(
        _ body: (UnsafeMutableRawBufferPointer) throws(SystemError) -> StreamSocket.Received
    ) throws(SystemError) -> Int? {
        var isOver = false
        let count = try unsafe input.write(upTo: Self.readSize) { space throws(SystemError) in
            switch unsafe try body(UnsafeMutableRawBufferPointer(rebasing: space.prefix(Self.readSize))) {
            case .bytes(let count): return count
            case .wouldBlock: return 0
            case .end:
                isOver = true
                return 0
            }
        }
        return isOver ? nil : count
    }

    /// Ends a turn: moves the bytes from `position` on, and a descriptor that came with them, to the session.
    ///
    /// - Returns: The peer's protocol violation, if there is one.
    mutating func keepPartialFrame(
        from position: Int, of session: Session, now: BootInstant, _ processes: inout ProcessCache
    ) -> RlimitError? {
        var violation: RlimitError?
        session.position += UInt64(position)
        if let range = session.receivedDescriptor?.range, !session.isClosing {
            if session.position >= range.upperBound {
                session.receivedDescriptor = nil
                violation = .unrequestedDescriptor
            } else {
                violation = keepReceivedDescriptor(of: session, &processes)
            }
        }
        if position == input.count, session.partialFrameSince == nil {
            input.removeAll()
            return violation
        }
        input.consume(position)
        if !input.isEmpty {
            let unread = PartialBuffer()
            input.withBytes { unread.bytes.append($0) }
            session.unread = unread
            input.removeAll()
        }
        let isPartial = session.unread != nil && !session.hasCompleteFrames
        if isPartial && session.partialFrameSince == nil { partialFrameSessions += 1 }
        if !isPartial { clearPartialFrame(of: session) }
        // The time limit is that of one frame. After other frames were processed, this is another one.
        session.partialFrameSince = isPartial ? (position == 0 ? session.partialFrameSince : nil) ?? now : nil
        return violation
    }

    /// Counts a descriptor that waits for the rest of its frame beyond the turn in which it came.
    ///
    /// - Returns: `.quotaExceeded` if too many descriptors wait.
    func keepReceivedDescriptor(of session: Session, _ processes: inout ProcessCache) -> RlimitError? {
        guard var receivedDescriptor = session.receivedDescriptor.take() else { return nil }
        guard receivedDescriptor.slot == nil else {
            session.receivedDescriptor = consume receivedDescriptor
            return nil
        }
        guard let slot = processes.reserveReceivedDescriptor(for: session.tenantUsage) else {
            return RlimitError(.quotaExceeded, message: "too many descriptors wait for the rest of their frames")
        }
        receivedDescriptor.slot = slot
        session.receivedDescriptor = consume receivedDescriptor
        return nil
    }

    /// Ends the wait for the rest of a frame.
    mutating func clearPartialFrame(of session: Session) {
        if session.partialFrameSince.take() != nil { partialFrameSessions -= 1 }
    }
}
