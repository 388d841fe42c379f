import RlimitKernel
import RlimitModel
import RlimitWire

/// One connection and its outstanding calls.
final class BenchmarkConnection {
    let socket: StreamSocket
    // The start of the call with each id. The index is the id less one.
    @safe @exclusivity(unchecked) private var starts: [UInt64]
    @safe @exclusivity(unchecked) private var input = ByteQueue()
    @safe @exclusivity(unchecked) private var output = ByteQueue()
    // The socket buffer is full, and the poller reports when it has space.
    @safe @exclusivity(unchecked) private(set) var isBlocked = false
    private let readSize: Int

    /// - Parameter connected: The descriptor of an existing connection to use.
    init(to path: String, connected: Int32?, outstanding: Int) throws(SystemError) {
        socket =
            if let connected {
                StreamSocket(connected: FileDescriptor(owning: connected))
            } else {
                try StreamSocket.connect(to: path, timeout: .seconds(30))
            }
        starts = [UInt64](repeating: 0, count: outstanding)
        // A usage response has some 300 bytes.
        readSize = min(65536, 512 * (outstanding + 1))
    }

    /// Encodes a call. The next flush sends it.
    func begin(_ request: inout Request, as id: Int, at time: UInt64, with encoder: inout RequestEncoder)
        throws(RlimitError)
    {
        starts[id - 1] = time
        request.id = UInt64(id)
        try encoder.encode(request, into: &output)
    }

    /// Sends all encoded calls, or as many as the socket buffer takes; then `isBlocked` is true.
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

    /// Receives once. Returns false at the end of the connection.
    ///
    /// - Parameter sleeping: Waits until bytes arrive.
    func receive(sleeping: Bool) throws(SystemError) -> Bool {
        var isOpen = true
        if sleeping { _ = try socket.waitForBytes(within: nil) }
        try unsafe input.write(upTo: readSize) { space throws(SystemError) -> Int in
            switch try unsafe socket.receive(into: space) {
            case .bytes(let count): return count
            case .end: isOpen = false
            case .wouldBlock: break
            }
            return 0
        }
        return isOpen
    }

    /// The next complete response.
    func next(with decoder: inout ResponseDecoder) throws(RlimitError) -> ResponseDecoder.Step {
        try decoder.step(in: &input)
    }

    /// The start of the call with this id; nil if no call can have the id.
    func start(of id: Int) -> UInt64? { starts.indices.contains(id - 1) ? starts[id - 1] : nil }
}
