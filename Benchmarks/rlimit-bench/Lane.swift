import RlimitKernel
import RlimitModel
import RlimitWire

/// One connection and its calls that are not answered yet.
final class Lane {
    let socket: StreamSocket
    // No exclusivity is checked at run time where one thread does everything, one call in the other; it would show.
    // When the call with each id began; an id is a place in here plus one.
    @exclusivity(unchecked) private var starts: [UInt64]
    @exclusivity(unchecked) private var input = ByteQueue()
    @exclusivity(unchecked) private var output = ByteQueue()
    // Whether the poller is to say when there is room to send.
    @exclusivity(unchecked) private(set) var isBlocked = false
    private let room: Int

    init(to path: String, outstanding: Int) throws(SystemError) {
        socket = try StreamSocket.connect(to: path, timeout: .seconds(30))
        starts = [UInt64](repeating: 0, count: outstanding)
        // Answers of usage have some 300 bytes.
        room = min(65536, 512 * (outstanding + 1))
    }

    /// Takes a call down to be sent, with the next flush.
    func begin(_ request: inout Request, as id: Int, at time: UInt64, with encoder: inout RequestEncoder)
        throws(RlimitError)
    {
        starts[id - 1] = time
        request.id = UInt64(id)
        try encoder.encode(request, into: &output)
    }

    /// Sends what there is; nothing is left to send unless `isBlocked`.
    func flush() throws(SystemError) {
        while !output.isEmpty {
            guard
                let count = try unsafe output.withUnsafeBytes({ bytes throws(SystemError) in
                    try unsafe socket.send(bytes)
                })
            else { break }
            output.consume(count)
        }
        isBlocked = !output.isEmpty
    }

    /// Receives once; false at the end of the connection.
    func receive() throws(SystemError) -> Bool {
        var received = StreamSocket.Received.wouldBlock
        try unsafe input.write(upTo: room) { space throws(SystemError) -> Int in
            received = try unsafe socket.receive(into: space)
            if case .bytes(let count) = received { return count }
            return 0
        }
        return received != .end
    }

    /// Gives the next answer that has come whole to `body`, with its id and when its call began.
    ///
    /// - Returns: False where there is none.
    func next(
        with decoder: inout ResponseDecoder, _ body: (borrowing Response, Int, UInt64) throws -> Void
    ) throws -> Bool {
        let payload = try input.withBytes { bytes throws(RlimitError) in
            try Frame.payload(in: bytes, from: 0, limit: Frame.greatestResponse)
        }
        guard let payload else { return false }
        let response = try input.withBytes { bytes throws(RlimitError) in try decoder.decode(bytes.extracting(payload))
        }
        input.consume(payload.upperBound)
        guard let id = Int(exactly: response.id), id > 0, id <= starts.count else {
            // What has no id is about the connection, which the agent closes.
            if case .failure(let error) = response.outcome { throw error }
            throw BenchmarkFailure("an answer to nothing that was asked")
        }
        try body(response, id, starts[id - 1])
        return true
    }
}
