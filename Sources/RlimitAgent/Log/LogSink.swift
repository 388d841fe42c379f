import RlimitWire
import Synchronization

/// A bounded queue of log lines for a descriptor that may be full. The agent never waits for the reader of its log. It
/// counts the lines that find no room, and logs the count once there is room again.
package final class LogSink: Sendable {
    /// Writes as many of the bytes as it can without waiting, and returns how many.
    package typealias Output = @Sendable (_ bytes: borrowing Span<UInt8>) -> Int

    package let format: LogFormat
    private let output: Output
    private let state = Mutex(State())
    // Lets the event loop check for lines in each iteration without a lock.
    private let hasLines = Atomic<Bool>(false)

    private struct State: ~Copyable {
        var queued = ByteQueue()
        var lost = 0
    }

    /// The maximum number of queued bytes: about ten thousand lines.
    static let capacity = 2 << 20
    // The capacity that an empty queue keeps.
    private static let retainedCapacity = 16 << 10

    package init(format: LogFormat, output: @escaping Output) {
        self.format = format
        self.output = output
    }

    /// Whether all lines have been written.
    var isEmpty: Bool { !hasLines.load(ordering: .relaxed) }

    /// - Parameter isChange: Whether the line records a change. Half of the queue is reserved for changes, so that
    ///   refusals cannot displace them.
    func write(_ line: consuming LogLine, isChange: Bool = false) {
        line.finish()
        let capacity = isChange ? Self.capacity : Self.capacity / 2
        state.withLock { state in
            hasLines.store(true, ordering: .relaxed)
            if state.queued.count + line.length > capacity {
                state.lost += 1
            } else {
                line.write(to: &state.queued)
            }
        }
    }

    /// Writes queued lines, as far as the descriptor accepts them.
    ///
    /// - Returns: Whether the queue is empty.
    @discardableResult
    package func flush() -> Bool {
        if isEmpty { return true }
        return state.withLock { state in
            if state.lost > 0 && state.queued.count < Self.capacity / 4 {
                var line = LogLine(format)
                line.add("level", "error")
                line.add("message", "log lines were lost because the reader was too slow")
                line.add("lost", state.lost)
                line.finish()
                line.write(to: &state.queued)
                state.lost = 0
            }
            guard !state.queued.isEmpty else { return true }
            state.queued.consume(state.queued.withBytes { output($0) })
            guard state.queued.isEmpty else { return false }
            if state.queued.capacity > Self.retainedCapacity { state.queued.releaseIfEmpty() }
            if state.lost == 0 { hasLines.store(false, ordering: .relaxed) }
            return true
        }
    }
}
