import RlimitKernel
import RlimitModel
import RlimitWire

/// One connection and its calls that are not answered yet.
final class Lane {
    let socket: StreamSocket
    // When the call with each id began; an id is a place in here plus one.
    private var starts: [UInt64]
    private var input = ByteQueue()
    private var output = ByteQueue()
    // Whether the poller is to say when there is room to send.
    private(set) var isBlocked = false
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

    /// The next answer that has come whole, and when its call began; nil where there is none.
    func next(with decoder: inout ResponseDecoder) throws -> (response: Response, id: Int, start: UInt64)? {
        let payload = try input.withBytes { bytes throws(RlimitError) in
            try Frame.payload(in: bytes, from: 0, limit: Frame.greatestResponse)
        }
        guard let payload else { return nil }
        defer { input.consume(payload.upperBound) }
        let response = try input.withBytes { bytes throws(RlimitError) in try decoder.decode(bytes.extracting(payload))
        }
        guard let id = Int(exactly: response.id), id > 0, id <= starts.count else {
            // What has no id is about the connection, which the agent closes.
            if case .failure(let error) = response.outcome { throw error }
            throw BenchmarkFailure("an answer to nothing that was asked")
        }
        return (response, id, starts[id - 1])
    }
}
