import RlimitAgent
import RlimitKernel
import RlimitModel
import RlimitWire

/// One connection of an agent for tests. Only the agent's thread uses it.
final class TestSession {
    let socket: StreamSocket
    let peer: Peer
    /// The process that connected; nil where it has no pid here, or had ended.
    let peerProcess: SimulatedProcess?
    /// Identifies the session.
    let token: UInt64
    /// Bytes that are not sent yet.
    var output = ByteQueue()
    private var input = ByteQueue()
    // The position in the stream of the first byte of `input`.
    private var position: UInt64 = 0
    private var receivedDescriptor: FileDescriptor?
    // The positions of the bytes that the descriptor came with.
    private var receivedRange: Range<UInt64> = 0..<0
    private var isClosing = false

    private static let readSize = 16 * 1024

    init(_ socket: consuming StreamSocket, peer: Peer, peerProcess: SimulatedProcess?, token: UInt64) {
        self.token = token
        self.socket = socket
        self.peer = peer
        self.peerProcess = peerProcess
    }

    /// What the session waits for next.
    enum NextStep { case read, write, close }

    /// Receives once, processes each whole frame, and sends.
    func serve(at dispatcher: TestDispatcher) -> NextStep {
        do throws(SystemError) {
            guard try send() else { return .write }
            var isOver = false
            if !isClosing {
                isOver = try !receive(for: dispatcher)
                answerFrames(at: dispatcher)
            }
            guard try send() else { return .write }
            return isOver || isClosing ? .close : .read
        } catch {
            // The peer hung up, so no reply can be sent.
            return .close
        }
    }

    /// Shuts the connection down in both directions, and reads what the peer had sent: closing a Unix socket with
    /// unread bytes would reset the connection and lose the last reply.
    func close() {
        socket.shutDown()
        while let count = (try? receiveBytes()) ?? nil, count > 0 { input.removeAll() }
    }
}

extension TestSession {
    // False: the socket buffer is full.
    private func send() throws(SystemError) -> Bool {
        while !output.isEmpty {
            let count = try unsafe output.withUnsafeBytes { bytes throws(SystemError) in unsafe try socket.send(bytes) }
            guard let count else { return false }
            output.consume(count)
        }
        return true
    }

    // False: the peer sends no more.
    private func receive(for dispatcher: TestDispatcher) throws(SystemError) -> Bool {
        let start = position + UInt64(input.count)
        let hadOne = receivedDescriptor != nil
        guard let count = try receiveBytes(startingAt: start) else { return false }
        // The kernel has closed all of several descriptors.
        if count < 0 || hadOne && receivedRange.lowerBound == start && count > 0 {
            end(.severalDescriptors, at: dispatcher)
        }
        return true
    }

    // The number of bytes; -1 where several descriptors came with them, nil at the end of the stream.
    private func receiveBytes(startingAt start: UInt64 = 0) throws(SystemError) -> Int? {
        var result: Int? = 0
        try unsafe input.write(upTo: Self.readSize) { space throws(SystemError) -> Int in
            let space = unsafe UnsafeMutableRawBufferPointer(rebasing: space.prefix(Self.readSize))
            switch unsafe try socket.receiveWithDescriptor(into: space) {
            case .bytes(let count, var descriptor):
                result = count
                if let descriptor = descriptor.take() {
                    receivedDescriptor = consume descriptor
                    receivedRange = start..<start + UInt64(count)
                }
                return count
            case .wouldBlock: return 0
            case .end: result = nil
            case .fault: result = -1
            }
            return 0
        }
        return result
    }

    private func answerFrames(at dispatcher: TestDispatcher) {
        var place = 0
        input.withBytes { bytes in
            while !isClosing {
                do throws(RlimitError) {
                    guard let payload = try Frame.payload(in: bytes, from: place, limit: Frame.maxRequestLength)
                    else { break }
                    let frame = position + UInt64(place)..<position + UInt64(payload.upperBound)
                    let end = dispatcher.processFrame(bytes.extracting(payload), of: self) {
                        takeDescriptor(for: frame)
                    }
                    if case .withoutReply = end { output.removeAll() }
                    isClosing = end != nil
                    place = payload.upperBound
                } catch {
                    end(error, at: dispatcher)
                }
            }
        }
        input.consume(place)
        position += UInt64(place)
        if receivedDescriptor != nil, position >= receivedRange.upperBound, !isClosing {
            receivedDescriptor = nil
            end(.unrequestedDescriptor, at: dispatcher)
        }
    }

    // A descriptor belongs to the last frame that begins in the bytes that it came with.
    private func takeDescriptor(for frame: Range<UInt64>) -> FileDescriptor? {
        guard receivedRange.contains(frame.lowerBound), frame.upperBound >= receivedRange.upperBound else { return nil }
        return receivedDescriptor.take()
    }

    private func end(_ error: RlimitError, at dispatcher: TestDispatcher) {
        guard !isClosing else { return }
        isClosing = true
        dispatcher.failSession(self, error)
    }
}
