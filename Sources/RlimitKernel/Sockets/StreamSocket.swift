internal import CRlimitLinux
internal import Glibc

/// One end of a Unix stream connection. Close-on-exec, sends without SIGPIPE, and blocks only in the functions that say
/// so.
package struct StreamSocket: ~Copyable, Sendable {
    package let descriptor: FileDescriptor
    /// Whether the peer may send descriptors that this thread must not close.
    private var peeksForDescriptors: Bool

    /// Takes ownership of a connected socket.
    package init(connected descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
        peeksForDescriptors = false
    }

    /// Takes ownership of an accepted connection from an untrusted peer.
    init(accepted number: Int32) {
        descriptor = FileDescriptor(owning: number, closeMode: .immediateIfDrained)
        peeksForDescriptors = true
        // If the kernel refused, its default would apply, and the caller counts the memory in any case.
        _ = rl_set_socket_option(number, RL_SOCKET_SEND_BUFFER, Self.sendBuffer)
    }

    /// The send buffer of an accepted connection: room for the responses to 32 requests, each sent alone. The kernel
    /// doubles the value, and counts its own data too. The queue exceeds it by at most one message.
    private static let sendBuffer: Int32 = 16384
    /// The maximum number of bytes in one call of send(2) that the kernel keeps in one page, with its own data. It frees
    /// a message when the peer has read all of it.
    package static let pageMessageSize = 3776
    /// The maximum memory of the send queue of an accepted connection whose messages have at most `pageMessageSize`
    /// bytes.
    package static let maxUnreadMemory = 2 * Int(sendBuffer) + 8704

    /// The number of accepted connections that have ended and wait for another thread to close them.
    package static var pendingCloseCount: Int { DeferredClose.connections.pending }

    /// The result of a receive.
    package enum Received: Equatable, Sendable {
        case bytes(Int)
        case wouldBlock
        /// The peer sends no more data.
        case end
    }

    package enum Readiness: Sendable { case readable, writable }

    /// Connects. If the listener's backlog is full, blocks for at most `timeout` (nil: without a limit). socket(2),
    /// connect(2).
    ///
    /// - Throws: ETIMEDOUT; ENAMETOOLONG if the path does not fit into an address.
    package static func connect(to path: String, timeout: Duration?) throws(SystemError) -> StreamSocket {
        let path = try UnixSocketAddress(path)
        let socket = FileDescriptor(owning: try SystemCall.value("socket") { rl_stream_socket() })
        let deadline = timeout.map { SystemClock.monotonic &+ $0.nanoseconds }
        // A blocking connect(2) obeys SO_SNDTIMEO while the backlog is full. poll(2) cannot wait for a nonblocking
        // connect(2).
        let connected = try SystemCall.valueIfReady("connect") { () -> Int32 in
            if let deadline {
                let now = SystemClock.monotonic
                // 0 would mean no timeout.
                let remaining = Int64(clamping: deadline > now ? max(deadline - now, 1000) : 1000)
                let result = rl_set_send_timeout(socket.number, remaining)
                guard result == 0 else { return result }
            }
            return unsafe rl_connect(socket.number, path.bytes, path.bytes.count)
        }
        guard connected != nil else { throw SystemError(number: ETIMEDOUT, call: "connect") }
        return StreamSocket(connected: socket)
    }

    /// Connects without blocking. nil if the listener's backlog is full. socket(2), connect(2).
    package static func connectIfReady(to path: String) throws(SystemError) -> StreamSocket? {
        let path = try UnixSocketAddress(path)
        let socket = FileDescriptor(owning: try SystemCall.value("socket") { rl_stream_socket() })
        try SystemCall.value("fcntl") { rl_set_nonblocking(socket.number, 1) }
        let connected = try SystemCall.valueIfReady("connect") {
            unsafe rl_connect(socket.number, path.bytes, path.bytes.count)
        }
        return connected == nil ? nil : StreamSocket(connected: socket)
    }

    /// Receives bytes only. Descriptors that were sent with them are never installed in this process. recv(2).
    ///
    /// - Throws: EPROTO if the peer of an accepted connection sent a descriptor while all threads that could close it
    ///   are busy with earlier ones.
    package func receive(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Received {
        guard buffer.count > 0 else { return .bytes(0) }
        if peeksForDescriptors {
            switch try unsafe receiveAfterPeek(into: buffer) {
            case .bytes(let count, _): return .bytes(count)
            case .wouldBlock: return .wouldBlock
            case .end: return .end
            case .fault: throw SystemError(number: EPROTO, call: "recvmsg")
            }
        }
        // The pointer and the count are of one buffer.
        let count = try SystemCall.valueIfReady("recv") {
            unsafe rl_receive(descriptor.number, buffer.baseAddress, buffer.count)
        }
        guard let count else { return .wouldBlock }
        return count == 0 ? .end : .bytes(count)
    }

    /// Returns the number of bytes sent. nil if the socket buffer is full. send(2).
    package func send(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int? {
        try SystemCall.valueIfReady("send") { unsafe rl_send(descriptor.number, bytes.baseAddress, bytes.count) }
    }

    /// Sends bytes, with a descriptor attached to the first of them. nil, with nothing sent, if the socket buffer is
    /// full. sendmsg(2), SCM_RIGHTS.
    package func send(_ bytes: UnsafeRawBufferPointer, with attached: Int32) throws(SystemError) -> Int? {
        try SystemCall.valueIfReady("sendmsg") {
            unsafe rl_send_descriptor(descriptor.number, bytes.baseAddress, bytes.count, attached)
        }
    }

    /// Whether bytes wait to be received. SIOCINQ.
    package var hasInput: Bool { rl_queued(descriptor.number) > 0 }

    /// The memory of what was sent and the peer has not read. The kernel keeps it, at the expense of this process's
    /// cgroup, until the peer has read it or has closed its end, even if this end is closed. SIOCOUTQ.
    package var unreadMemory: Int { max(0, Int(rl_unread(descriptor.number))) }

    /// Closes both directions and wakes threads that wait on the connection. shutdown(2).
    package func shutDown() { _ = rl_shutdown(descriptor.number) }

    /// Blocks until there is data to receive or room to send. An error and the end of the stream also end the wait; the
    /// next call reports them. poll(2).
    ///
    /// - Returns: False if `deadline` passed first.
    package func wait(for readiness: Readiness, until deadline: MonotonicDeadline) throws(SystemError) -> Bool {
        let events = readiness == .readable ? RL_POLL_IN : RL_POLL_OUT
        var revents: Int32 = 0
        let ready = try SystemCall.value("poll") {
            // Rounded up: an early wakeup would repeat the wait.
            let remaining = deadline.remaining.map { Int32(clamping: $0 / 1_000_000 + ($0 % 1_000_000 == 0 ? 0 : 1)) }
            return unsafe rl_poll(descriptor.number, Int32(events.rawValue), remaining ?? -1, &revents)
        }
        return ready > 0
    }

    /// Blocks once, for at most `nanoseconds` (nil: without a limit), until there is data, an error or the end of the
    /// stream. ppoll(2).
    ///
    /// - Returns: False on a timeout, and also if a signal interrupted the wait.
    package func waitForBytes(within nanoseconds: UInt64?) throws(SystemError) -> Bool {
        let ready = rl_wait_readable(descriptor.number, nanoseconds.map { Int64(clamping: $0) } ?? -1)
        guard ready < 0 else { return ready > 0 }
        guard ready == -EINTR else { throw SystemError(number: 0 - ready, call: "ppoll") }
        return false
    }

    /// Makes sends of descriptors to this socket fail, since Linux 6.16. On older kernels, and if a descriptor may
    /// already be in the queue, `receive` continues to check for descriptors. SO_PASSRIGHTS.
    package mutating func refuseDescriptors() {
        guard rl_set_socket_option(descriptor.number, RL_SOCKET_PASS_RIGHTS, 0) == 0 else { return }
        let queued = Int(rl_queued(descriptor.number))
        peeksForDescriptors = queued != 0 && !hasNoAncillaryData(queued)
    }

    // Whether the first `queued` bytes in the queue carry no ancillary data.
    private func hasNoAncillaryData(_ queued: Int) -> Bool {
        var bytes = InlineArray<16384, UInt8>(repeating: 0)
        var hasAncillaryData: Int32 = 0
        var span = bytes.mutableSpan
        let seen = unsafe span.withUnsafeMutableBytes { raw in
            SystemCall.retrying { unsafe rl_peek(descriptor.number, raw.baseAddress, raw.count, &hasAncillaryData) }
        }
        return seen >= queued && hasAncillaryData == 0
    }
}

/// The result of a receive that accepts exactly one descriptor.
package enum ReceivedWithDescriptor: ~Copyable {
    /// Bytes, and the descriptor that was sent with any of them.
    case bytes(Int, FileDescriptor?)
    case wouldBlock
    case end
    /// More than one descriptor, or other ancillary data. All descriptors are closed. The caller must close the
    /// connection, because later frames can no longer be matched with their descriptors.
    case fault
}

extension StreamSocket {
    /// Receives bytes and at most one descriptor, close-on-exec. recvmsg(2), SCM_RIGHTS.
    ///
    /// The kernel merges writes. Bytes without a descriptor may arrive together with later bytes that carry one, but a
    /// descriptor never arrives before the bytes of its write.
    package func receiveWithDescriptor(
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> ReceivedWithDescriptor {
        guard buffer.count > 0 else { return .bytes(0, nil) }
        guard !DeferredClose.received.isSaturated else { return try unsafe receiveAfterPeek(into: buffer) }
        var ancillary = AncillaryData()
        // The pointer and the count are of one buffer.
        let count = try SystemCall.valueIfReady("recvmsg") {
            unsafe ancillary.receive(
                descriptor.number, buffer.baseAddress, buffer.count, keepsSingleDescriptor: true,
                deferredClose: .received)
        }
        guard let count else { return .wouldBlock }
        if ancillary.singleDescriptor >= 0 {
            return .bytes(count, FileDescriptor(owning: ancillary.singleDescriptor, closeMode: .deferred))
        }
        if ancillary.isUnexpected { return .fault }
        return count == 0 ? .end : .bytes(count, nil)
    }

    /// Receives bytes. Other threads close the descriptors that come with them. If all these threads are busy, the
    /// result is `fault` and nothing is received. recvmsg(2), MSG_PEEK.
    func receiveAfterPeek(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> ReceivedWithDescriptor {
        var hasAncillaryData: Int32 = 0
        // The pointer and the count are of one buffer.
        let seen = try SystemCall.valueIfReady("recvmsg") {
            unsafe rl_peek(descriptor.number, buffer.baseAddress, buffer.count, &hasAncillaryData)
        }
        guard let seen else { return .wouldBlock }
        guard seen > 0 else { return .end }
        // Receives no more bytes than the peek examined.
        guard hasAncillaryData != 0 else {
            let count = try SystemCall.value("recv") { unsafe rl_receive(descriptor.number, buffer.baseAddress, seen) }
            return .bytes(count, nil)
        }
        guard !DeferredClose.unwanted.isSaturated else { return .fault }
        var ancillary = AncillaryData()
        let count = try SystemCall.value("recvmsg") {
            unsafe ancillary.receive(
                descriptor.number, buffer.baseAddress, seen, keepsSingleDescriptor: false, deferredClose: .unwanted)
        }
        return .bytes(count, nil)
    }
}
