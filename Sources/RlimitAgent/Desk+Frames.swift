import RlimitKernel
import RlimitModel
import RlimitWire

// Bytes to frames.
extension Desk {
    // True: the peer sends no more.
    mutating func receive(from session: Session) throws(SystemError) -> Bool {
        if let unread = session.unread.take() { unread.bytes.withBytes { input.append($0) } }
        // Whole frames that are left from the last turn come first; the kernel keeps the rest meanwhile.
        if session.hasWholeFrames { return false }
        let start = session.position + UInt64(input.count)
        guard session.mayAttach else {
            return try unsafe receiveBytes { space throws(SystemError) in unsafe try session.socket.receive(into: space)
            } == nil
        }
        var attached: FileDescriptor?
        var isBroken = false
        let count = try unsafe receiveBytes { space throws(SystemError) in
            switch unsafe try session.socket.receiveWithDescriptor(into: space) {
            case .bytes(let count, let descriptor):
                attached = descriptor
                return .bytes(count)
            case .wouldBlock: return .wouldBlock
            case .end: return .end
            case .fault:
                isBroken = true
                return .wouldBlock
            }
        }
        if let attached = attached.take() {
            isBroken = session.attached != nil
            session.attached = Attachment(descriptor: attached, range: start..<start + UInt64(count ?? 0))
        }
        if isBroken { fault(session, RlimitError(.malformed, message: "a frame carries at most one descriptor")) }
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

    mutating func answerFrames(of session: Session) {
        var position = 0
        var answered = 0
        session.hasWholeFrames = false
        // Apart from the rest of the desk, which is busy answering what is in it.
        var frames = ByteQueue()
        swap(&frames, &input)
        frames.withBytes { bytes in
            while !session.isEnding {
                do throws(RlimitError) {
                    guard let payload = try Frame.payload(in: bytes, from: position, limit: Frame.greatestRequest)
                    else { break }
                    guard mayAnswerMore(than: answered) else {
                        session.hasWholeFrames = true
                        break
                    }
                    guard answer(bytes.extracting(payload), of: session, at: position..<payload.upperBound) else {
                        session.hasWholeFrames = true
                        session.isBlocked = true
                        break
                    }
                    position = payload.upperBound
                    answered += 1
                } catch {
                    fault(session, error)
                }
            }
        }
        swap(&frames, &input)
        keepRest(from: position, of: session)
    }

    // The clock is looked at after the first, and after every fourth from then on.
    private mutating func mayAnswerMore(than answered: Int) -> Bool {
        guard answered > 0 else { return true }
        guard answered < Frame.requestsInFlight, output.count - outputStart < Self.outputSize, !processes.isShort
        else { return false }
        if answered & 3 == 1 { now = .now }
        return now.nanoseconds(since: received) < Self.turnTime
    }

    private mutating func keepRest(from position: Int, of session: Session) {
        session.position += UInt64(position)
        if let range = session.attached?.range, !session.isEnding {
            if session.position >= range.upperBound {
                session.attached = nil
                fault(session, RlimitError(.malformed, message: "a descriptor came that no frame asked for"))
            } else {
                keepAttachment(of: session)
            }
        }
        if position == input.count, session.waitingSince == nil { return input.removeAll() }
        input.consume(position)
        if !input.isEmpty {
            let unread = Leftover()
            input.withBytes { unread.bytes.append($0) }
            session.unread = unread
            input.removeAll()
        }
        let waits = session.unread != nil && !session.hasWholeFrames
        if waits && session.waitingSince == nil { waitingSessions += 1 }
        if !waits { forget(session) }
        session.waitingSince = waits ? session.waitingSince ?? now : nil
    }
}
