import RlimitKernel
import RlimitModel
import RlimitWire

// Bytes to frames.
extension Dispatcher {
    // True: the peer sends no more.
    mutating func receive(from session: Session) throws(SystemError) -> Bool {
        if let unread = session.unread.take() { unread.bytes.withBytes { input.append($0) } }
        // Whole frames that are left from the last turn come first; the kernel keeps the rest meanwhile.
        if session.hasCompleteFrames { return false }
        let start = session.position + UInt64(input.count)
        guard session.mayAttachPidfd else {
            return try unsafe receiveBytes { space throws(SystemError) in unsafe try session.socket.receive(into: space)
            } == nil
        }
        var receivedDescriptor: FileDescriptor?
        var isBroken = false
        let count = try unsafe receiveBytes { space throws(SystemError) in
            switch unsafe try session.socket.receiveWithDescriptor(into: space) {
            case .bytes(let count, let descriptor):
                receivedDescriptor = descriptor
                return .bytes(count)
            case .wouldBlock: return .wouldBlock
            case .end: return .end
            case .fault:
                isBroken = true
                return .wouldBlock
            }
        }
        if let receivedDescriptor = receivedDescriptor.take() {
            isBroken = session.receivedDescriptor != nil
            session.receivedDescriptor = ReceivedDescriptor(
                descriptor: receivedDescriptor, range: start..<start + UInt64(count ?? 0))
        }
        if isBroken { failSession(session, RlimitError(.malformed, message: "a frame carries at most one descriptor")) }
        return count == nil
    }

    // How many bytes came; nil at the end of the stream.
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

    mutating func processFrames(of session: Session) {
        var position = 0
        var processed = 0
        session.hasCompleteFrames = false
        // Apart from the rest of the desk, which is busy answering what is in it.
        var frames = ByteQueue()
        swap(&frames, &input)
        frames.withBytes { bytes in
            while !session.isClosing {
                do throws(RlimitError) {
                    guard let payload = try Frame.payload(in: bytes, from: position, limit: Frame.maxRequestLength)
                    else { break }
                    guard mayProcessMore(than: processed) else {
                        session.hasCompleteFrames = true
                        break
                    }
                    guard process(bytes.extracting(payload), of: session, at: position..<payload.upperBound) else {
                        session.hasCompleteFrames = true
                        session.isBlocked = true
                        break
                    }
                    position = payload.upperBound
                    processed += 1
                } catch {
                    failSession(session, error)
                }
            }
        }
        swap(&frames, &input)
        keepPartialFrame(from: position, of: session)
    }

    // The clock is looked at after the first, and after every fourth from then on.
    private mutating func mayProcessMore(than processed: Int) -> Bool {
        guard processed > 0 else { return true }
        guard processed < Frame.maxRequestsInFlight, output.count - outputStart < Self.outputSize,
            !processes.isOverCapacity
        else { return false }
        if processed & 3 == 1 { now = .now }
        return now.nanoseconds(since: receivedAt) < Self.maxTimePerSession
    }

    private mutating func keepPartialFrame(from position: Int, of session: Session) {
        session.position += UInt64(position)
        if let range = session.receivedDescriptor?.range, !session.isClosing {
            if session.position >= range.upperBound {
                session.receivedDescriptor = nil
                failSession(session, RlimitError(.malformed, message: "a descriptor came that no frame asked for"))
            } else {
                keepReceivedDescriptor(of: session)
            }
        }
        if position == input.count, session.partialFrameSince == nil { return input.removeAll() }
        input.consume(position)
        if !input.isEmpty {
            let unread = PartialBuffer()
            input.withBytes { unread.bytes.append($0) }
            session.unread = unread
            input.removeAll()
        }
        let waits = session.unread != nil && !session.hasCompleteFrames
        if waits && session.partialFrameSince == nil { partialFrameSessions += 1 }
        if !waits { clearPartialFrame(session) }
        session.partialFrameSince = waits ? session.partialFrameSince ?? now : nil
    }
}
