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

    /// Where the next answer lies that has come whole; nil where there is none.
    func nextPayload() throws(RlimitError) -> Range<Int>? {
        try input.withBytes { bytes throws(RlimitError) in
            try Frame.payload(in: bytes, from: 0, limit: Frame.greatestResponse)
        }
    }

    /// The answer that lies there.
    func consume(_ payload: Range<Int>, with decoder: inout ResponseDecoder) throws(RlimitError) -> Response {
        defer { input.consume(payload.upperBound) }
        return try input.withBytes { bytes throws(RlimitError) in try decoder.decode(bytes.extracting(payload)) }
    }

    /// When the call with this id began; nil where none has it.
    func start(of id: Int) -> UInt64? { starts.indices.contains(id - 1) ? starts[id - 1] : nil }
}
