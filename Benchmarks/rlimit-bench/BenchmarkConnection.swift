import RlimitKernel
import RlimitModel
import RlimitWire

/// One connection and its calls that are not answered yet.
final class BenchmarkConnection {
    let socket: StreamSocket
    // When the call with each id began; an id is a place in here plus one.
    @safe @exclusivity(unchecked) private var starts: [UInt64]
    @safe @exclusivity(unchecked) private var input = ByteQueue()
    @safe @exclusivity(unchecked) private var output = ByteQueue()
    // Whether the poller is to say when there is room to send.
    @safe @exclusivity(unchecked) private(set) var isBlocked = false
    private let readSize: Int

    /// - Parameter connected: A descriptor of a connection that somebody else made, to be taken over instead.
    init(to path: String, connected: Int32?, outstanding: Int) throws(SystemError) {
        socket =
            if let connected {
                StreamSocket(connected: FileDescriptor(owning: connected))
            } else {
                try StreamSocket.connect(to: path, timeout: .seconds(30))
            }
        starts = [UInt64](repeating: 0, count: outstanding)
        // Answers of usage have some 300 bytes.
        readSize = min(65536, 512 * (outstanding + 1))
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
    ///
    /// - Parameter sleeping: Until something comes, if nothing is there.
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

    /// The next answer, if it has come whole.
    func next(with decoder: inout ResponseDecoder) throws(RlimitError) -> ResponseDecoder.Step {
        try decoder.step(in: &input)
    }

    /// When the call with this id began; nil where none has it.
    func start(of id: Int) -> UInt64? { starts.indices.contains(id - 1) ? starts[id - 1] : nil }
}
