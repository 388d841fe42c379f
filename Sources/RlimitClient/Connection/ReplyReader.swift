import RlimitKernel
import RlimitModel
import RlimitWire

/// Splits the bytes from the agent into responses.
struct ReplyReader: ~Copyable {
    private var decoder = ResponseDecoder()
    private var input = ByteQueue()
    private let agentSocket: AgentSocket
    // The maximum size of one read.
    private let room: Int

    init(room: Int, from agentSocket: AgentSocket) {
        self.room = room
        self.agentSocket = agentSocket
    }

    /// Reads available bytes without waiting. recv(2).
    mutating func fill(from socket: borrowing StreamSocket) throws(SystemError) -> StreamSocket.Received {
        var received = StreamSocket.Received.wouldBlock
        try unsafe input.write(upTo: room) { space throws(SystemError) -> Int in
            received = try unsafe socket.receive(into: space)
            if case .bytes(let count) = received { return count }
            return 0
        }
        return received
    }

    /// Returns the next complete response, or `.incomplete`.
    ///
    /// - Throws: `.malformed` if the bytes violate the protocol; the agent's error about the whole connection, after
    ///   which the agent closes it.
    mutating func next() throws(RlimitError) -> ResponseDecoder.Step {
        let step = try decoded()
        switch step {
        case .response(id: 0):
            if case .failure(let error)? = decoder.takeResponse()?.outcome { throw error }
        case .repeated(id: 0): break
        default: return step
        }
        throw .protocolViolation(agentSocket, "a response names no request")
    }

    /// The response of the step `.response`. A second call returns nil.
    mutating func takeResponse() -> Response? { decoder.takeResponse() }

    /// The limits of the step `.repeated`.
    var repeatedLimits: DecodedLimits { decoder.repeatedLimits }

    private mutating func decoded() throws(RlimitError) -> ResponseDecoder.Step {
        do throws(RlimitError) {
            return try decoder.step(in: &input)
        } catch {
            throw .protocolViolation(agentSocket, error.message)
        }
    }
}
