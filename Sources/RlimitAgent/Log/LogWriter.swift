import RlimitKernel

/// Writes the lines of a sink to standard error, and watches standard error while it takes no more.
struct LogWriter {
    private let sink: LogSink
    private let token: UInt64
    private var watch = Watch.off
    // The poller has reported room since the last flush.
    private var hasEvent = false

    private enum Watch {
        case off, on
        /// The event loop tries again at intervals: a file has no events, and a closed pipe has them without end.
        case impossible
    }

    /// - Parameter token: The token of the poller's events, which the event loop passes on with `noteEvent`.
    init(_ sink: LogSink, token: UInt64) {
        self.sink = sink
        self.token = token
    }

    mutating func noteEvent() { hasEvent = true }

    /// Writes all lines, and waits for the reader of standard error at most this long.
    func finish(within time: Duration) {
        let end = BootInstant.now + time
        var hasWaited = false
        repeat {
            let before = sink.queuedByteCount
            sink.flush()
            // A full disk always has room and takes nothing.
            let isUseless = hasWaited && before > 0 && sink.queuedByteCount >= before
            if sink.isEmpty || isUseless { return }
            hasWaited = true
        } while NonblockingStderr.waitForRoom(end - .now)
    }

    mutating func flush(_ poller: borrowing Poller) {
        if sink.isEmpty, watch == .off { return }
        let before = sink.queuedByteCount
        sink.flush()
        let isUseless = hasEvent && before > 0 && sink.queuedByteCount >= before
        hasEvent = false
        if sink.isEmpty || isUseless, watch == .on { try? poller.remove(NonblockingStderr.descriptor) }
        if sink.isEmpty {
            watch = .off
        } else if isUseless {
            watch = .impossible
        } else if watch == .off {
            do throws(SystemError) {
                try poller.add(NonblockingStderr.descriptor, .writable, token: token)
                watch = .on
            } catch {
                watch = .impossible
            }
        }
    }
}
