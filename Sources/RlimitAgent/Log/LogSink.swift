import RlimitKernel
import RlimitWire
import Synchronization

/// A bounded queue of log lines for a descriptor that may be full. The agent never waits for the reader of its log. It
/// counts the lines that find no room, and logs the count once there is room again.
///
/// Lines about changes have room that no other line takes. When that room is full, the agent makes no further change
/// (`hasRoomForChange`), so that no change is without its line.
package final class LogSink: Sendable {
    /// Writes as many of the bytes as it can without waiting, and returns how many.
    package typealias Output = @Sendable (_ bytes: borrowing Span<UInt8>) -> Int

    /// What a line reports, which decides on its share of the queue.
    enum LineKind {
        /// A change that was made or a lease that ended. It is always queued: the agent asked for the room before it
        /// made the change, and the number of leases is bounded.
        case change
        /// The same, if the administrator prefers changes without a line to no changes.
        case droppableChange
        /// A message of the agent itself.
        case message
        /// Everything that a peer causes without a change.
        case refusal
    }

    package let format: LogFormat
    private let output: Output
    private let state = Mutex(State())
    // Let the event loop check the queue in each iteration, and a change look for room, without a lock.
    private let hasLines = Atomic<Bool>(false)
    private let queuedBytes = Atomic<Int>(0)
    /// Bounds the agent's own messages.
    let messages = AgentLogHandler.Limiter()

    private struct State: ~Copyable {
        var queued = ByteQueue()
        var lost = 0
        var lostChanges = 0

        var hasLost: Bool { lost > 0 || lostChanges > 0 }
    }

    /// The number of queued bytes from which on nothing is changed: several thousand lines.
    static let capacity = 2 << 20
    // The capacity that an empty queue keeps.
    private static let retainedCapacity = 16 << 10

    package init(format: LogFormat, output: @escaping Output) {
        self.format = format
        self.output = output
    }

    /// The number of bytes that wait.
    var queuedByteCount: Int { queuedBytes.load(ordering: .relaxed) }

    /// Whether all lines have been written.
    var isEmpty: Bool { !hasLines.load(ordering: .relaxed) }

    /// Whether the queue has room for the lines of another change, after an attempt to write what it holds.
    var hasRoomForChange: Bool {
        if queuedBytes.load(ordering: .relaxed) < Self.capacity { return true }
        flush()
        return queuedBytes.load(ordering: .relaxed) < Self.capacity
    }

    func write(_ line: consuming LogLine, as kind: LineKind) {
        line.finish()
        state.withLock { state in
            hasLines.store(true, ordering: .relaxed)
            if let capacity = Self.capacity(for: kind), state.queued.count + line.length > capacity {
                if kind == .droppableChange { state.lostChanges += 1 } else { state.lost += 1 }
            } else {
                line.write(to: &state.queued)
                queuedBytes.store(state.queued.count, ordering: .relaxed)
            }
        }
    }

    // nil: the line is always queued.
    private static func capacity(for kind: LineKind) -> Int? {
        switch kind {
        case .change: nil
        case .droppableChange: capacity
        case .message: capacity / 8 * 5
        case .refusal: capacity / 2
        }
    }

    /// Writes queued lines, as far as the descriptor accepts them.
    ///
    /// - Returns: Whether the queue is empty.
    @discardableResult
    package func flush() -> Bool {
        if isEmpty { return true }
        return state.withLock { state in
            defer { queuedBytes.store(state.queued.count, ordering: .relaxed) }
            if state.hasLost && state.queued.count < Self.capacity / 4 { reportLost(&state) }
            guard !state.queued.isEmpty else { return true }
            state.queued.consume(state.queued.withBytes { output($0) })
            guard state.queued.isEmpty else { return false }
            if state.queued.capacity > Self.retainedCapacity { state.queued.releaseIfEmpty() }
            if !state.hasLost { hasLines.store(false, ordering: .relaxed) }
            return true
        }
    }

    private func reportLost(_ state: inout State) {
        var line = LogLine(format)
        line.add("time", Timestamp.now())
        line.add("level", "error")
        line.add("message", "log lines were lost because the reader was too slow")
        line.add("lost", state.lost)
        if state.lostChanges > 0 { line.add("lost_changes", state.lostChanges) }
        line.finish()
        line.write(to: &state.queued)
        (state.lost, state.lostChanges) = (0, 0)
    }
}
