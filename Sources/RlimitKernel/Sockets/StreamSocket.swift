internal import CRlimitLinux
internal import Glibc

/// One end of a Unix stream connection: close-on-exec, without SIGPIPE, and never waiting but where it says so.
package struct StreamSocket: ~Copyable, Sendable {
    package let descriptor: FileDescriptor
    /// Whether descriptors may come that must not be dropped in passing.
    private var peeksForDescriptors: Bool

    /// Takes over a connection that somebody else made.
    package init(connected descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
        peeksForDescriptors = false
    }

    /// Of a peer that may be anybody.
    init(accepted number: Int32) {
        descriptor = FileDescriptor(owning: number, closeMode: .immediateIfDrained)
        peeksForDescriptors = true
    }

    /// Accepted ones that are over, and whose descriptors another thread is still to close.
    package static var pendingCloseCount: Int { DeferredClose.connections.pending }

    /// What a receive found.
    package enum Received: Equatable, Sendable {
        case bytes(Int)
        case wouldBlock
        /// The other end sends no more.
        case end
    }

    package enum Readiness: Sendable { case readable, writable }

    /// Connects, waiting at most `timeout` (nil: for ever) where the listener's backlog is full.
    /// socket(2), connect(2).
    ///
    /// - Throws: ETIMEDOUT; ENAMETOOLONG for a path that does not fit, which is never cut.
    package static func connect(to path: String, timeout: Duration?) throws(SystemError) -> StreamSocket {
        let path = try UnixSocketAddress(path)
        let socket = FileDescriptor(owning: try SystemCall.value("socket") { rl_stream_socket() })
        let deadline = timeout.map { SystemClock.monotonic &+ $0.nanoseconds }
        // A blocking connect(2) minds SO_SNDTIMEO while it waits for room; a nonblocking one has nothing to poll for.
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

    /// Connects if the listener's backlog has room now, else nil. socket(2), connect(2).
    package static func connectIfReady(to path: String) throws(SystemError) -> StreamSocket? {
        let path = try UnixSocketAddress(path)
        let socket = FileDescriptor(owning: try SystemCall.value("socket") { rl_stream_socket() })
        try SystemCall.value("fcntl") { rl_set_nonblocking(socket.number, 1) }
        let connected = try SystemCall.valueIfReady("connect") {
            unsafe rl_connect(socket.number, path.bytes, path.bytes.count)
        }
        return connected == nil ? nil : StreamSocket(connected: socket)
    }

    /// Receives bytes alone: descriptors that were sent along never become ours. recv(2).
    ///
    /// - Throws: EPROTO where the peer of an accepted connection sent a descriptor, and earlier ones keep all threads busy that
    ///   could close it.
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
        // The buffer's own bounds.
        let count = try SystemCall.valueIfReady("recv") {
            unsafe rl_receive(descriptor.number, buffer.baseAddress, buffer.count)
        }
        guard let count else { return .wouldBlock }
        return count == 0 ? .end : .bytes(count)
    }

    /// How many bytes were taken; nil where there is no room now. send(2).
    package func send(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int? {
        try SystemCall.valueIfReady("send") { unsafe rl_send(descriptor.number, bytes.baseAddress, bytes.count) }
    }

    /// Sends bytes and one descriptor with the first of them; nil where there is no room now, and then nothing was sent.
    /// sendmsg(2), SCM_RIGHTS.
    package func send(_ bytes: UnsafeRawBufferPointer, with attached: Int32) throws(SystemError) -> Int? {
        try SystemCall.valueIfReady("sendmsg") {
            unsafe rl_send_descriptor(descriptor.number, bytes.baseAddress, bytes.count, attached)
        }
    }

    /// Ends the connection both ways, also for those who wait on it. shutdown(2).
    package func shutDown() { _ = rl_shutdown(descriptor.number) }

    /// Waits until there is something to receive or room to send. An error or an end counts as both: the next call tells it.
    /// poll(2).
    ///
    /// - Returns: False when `deadline` passed first.
    package func wait(for readiness: Readiness, until deadline: MonotonicDeadline) throws(SystemError) -> Bool {
        let events = readiness == .readable ? RL_POLL_IN : RL_POLL_OUT
        var revents: Int32 = 0
        let ready = try SystemCall.value("poll") {
            // Rounded up, so that nobody wakes too early and spins.
            let remaining = deadline.remaining.map { Int32(clamping: $0 / 1_000_000 + ($0 % 1_000_000 == 0 ? 0 : 1)) }
            return unsafe rl_poll(descriptor.number, Int32(events.rawValue), remaining ?? -1, &revents)
        }
        return ready > 0
    }

    /// Waits once, for at most so many nanoseconds (nil: for ever), until there is something to receive, an error or an end.
    /// ppoll(2).
    ///
    /// - Returns: False also where a signal came.
    package func waitForBytes(within nanoseconds: UInt64?) throws(SystemError) -> Bool {
        let ready = rl_wait_readable(descriptor.number, nanoseconds.map { Int64(clamping: $0) } ?? -1)
        guard ready < 0 else { return ready > 0 }
        guard ready == -EINTR else { throw SystemError(number: 0 - ready, call: "ppoll") }
        return false
    }

    /// Makes the kernel refuse descriptors to whoever sends them here, since Linux 6.16; before, and where one may have come
    /// already, `receive` goes on looking for them. SO_PASSRIGHTS.
    package mutating func refuseDescriptors() {
        guard rl_set_socket_option(descriptor.number, RL_SOCKET_PASS_RIGHTS, 0) == 0 else { return }
        let queued = Int(rl_queued(descriptor.number))
        peeksForDescriptors = queued != 0 && !hasNoAncillaryData(queued)
    }

    // Whether that many bytes in the queue are all bytes.
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
