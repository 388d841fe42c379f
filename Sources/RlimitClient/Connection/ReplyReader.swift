import RlimitKernel
import RlimitModel
import RlimitWire

/// Bytes from the agent, taken apart into responses.
struct ReplyReader: ~Copyable {
    private var decoder = ResponseDecoder()
    private var input = ByteQueue()
    private let agentSocket: AgentSocket
    // How much is asked of the kernel at once.
    private let room: Int

    init(room: Int, from agentSocket: AgentSocket) {
        self.room = room
        self.agentSocket = agentSocket
    }

    /// Takes in what has come, without waiting for it.
    mutating func fill(from socket: borrowing StreamSocket) throws(SystemError) -> StreamSocket.Received {
        var received = StreamSocket.Received.wouldBlock
        try unsafe input.write(upTo: room) { space throws(SystemError) -> Int in
            received = try unsafe socket.receive(into: space)
            if case .bytes(let count) = received { return count }
            return 0
        }
        return received
    }

    /// The next response, if it is all there.
    ///
    /// - Throws: `.malformed` where it is no agent that answers; what the agent says of the whole connection, which it is
    ///   going to close.
    mutating func next() throws(RlimitError) -> ResponseDecoder.Step {
        let step = try decoded()
        switch step {
        case .response(id: 0):
            if case .failure(let error)? = decoder.takeResponse()?.outcome { throw error }
        case .repeated(id: 0): break
        default: return step
        }
        throw .protocolViolation(agentSocket, "an answer to nothing")
    }

    /// What `.response` is; once.
    mutating func takeResponse() -> Response? { decoder.takeResponse() }

    /// What `.repeated` tells.
    var repeatedLimits: DecodedLimits { decoder.repeatedLimits }

    private mutating func decoded() throws(RlimitError) -> ResponseDecoder.Step {
        do throws(RlimitError) {
            return try decoder.step(in: &input)
        } catch {
            throw .protocolViolation(agentSocket, error.message)
        }
    }
}
