import RlimitWire
import Synchronization

/// Where lines of the log go: a bounded queue before a descriptor that may be full. The agent never waits for whoever
/// reads its log; lines that find no room are counted, and the count is logged once there is room again.
package final class LogSink: Sendable {
    /// Takes as many of the bytes as it can without waiting, and says how many.
    package typealias Output = @Sendable (_ bytes: borrowing Span<UInt8>) -> Int

    package let format: LogFormat
    private let output: Output
    private let state = Mutex(State())
    // So that the loop, which asks every turn, needs no lock to learn that there is nothing.
    private let hasLines = Atomic<Bool>(false)

    private struct State: ~Copyable {
        var queued = ByteQueue()
        var lost = 0
    }

    /// What is kept for a slow reader: about ten thousand lines.
    static let capacity = 2 << 20
    // What an empty queue keeps of its room.
    private static let retainedCapacity = 16 << 10

    package init(format: LogFormat, output: @escaping Output) {
        self.format = format
        self.output = output
    }

    /// Whether everything was taken.
    var isEmpty: Bool { !hasLines.load(ordering: .relaxed) }

    /// - Parameter isChange: It tells of a change that was made. Half of the queue is for these alone: nobody can crowd them
    ///   out by being refused.
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

    /// Hands on what is queued, as far as the reader takes it. True when nothing is left.
    @discardableResult
    package func flush() -> Bool {
        if isEmpty { return true }
        return state.withLock { state in
            if state.lost > 0 && state.queued.count < Self.capacity / 4 {
                var line = LogLine(format)
                line.add("level", "error")
                line.add("message", "log lines lost, for nobody took them")
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
