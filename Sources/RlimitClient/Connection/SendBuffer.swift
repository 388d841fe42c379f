import RlimitKernel
import RlimitModel
import RlimitWire

/// The encoded bytes that a connection is sending. Only the sender touches it.
struct SendBuffer: ~Copyable {
    private var encoder = RequestEncoder()
    private var bytes = ByteQueue()

    var isEmpty: Bool { bytes.isEmpty }
    var count: Int { bytes.count }

    /// Appends the frame of a request.
    ///
    /// - Parameter remaining: The nanoseconds until its deadline; nil without a deadline.
    /// - Throws: `.invalidArgument` if the request cannot be encoded.
    mutating func append(_ request: AgentRequest, id: UInt64, remaining: UInt64?) throws(RlimitError) {
        try encoder.encode(
            request.operation, id: id, milliseconds: remaining.map(MonotonicDeadline.roundedUpToMilliseconds),
            isExplain: request.isExplain, into: &bytes)
    }

    /// Sends as many bytes as the socket buffer takes, and returns their number; nil if it takes none now. The pidfd
    /// goes with the first byte. send(2), sendmsg(2).
    mutating func send(
        through socket: borrowing StreamSocket, with process: PinnedProcess?
    ) throws(SystemError) -> Int? {
        let pidfd = process?.pidfd.descriptor.number
        let sent = try unsafe bytes.withUnsafeBytes { bytes throws(SystemError) -> Int? in
            guard let pidfd else { return try unsafe socket.send(bytes) }
            return try unsafe socket.send(bytes, with: pidfd)
        }
        if let sent { bytes.consume(sent) }
        return sent
    }

    mutating func removeAll() { bytes.removeAll() }
}
