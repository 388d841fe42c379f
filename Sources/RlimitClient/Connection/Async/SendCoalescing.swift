/// Decides when the reactor sends for all tasks.
///
/// Tasks that receive their responses together are likely to make their next calls together. Without coalescing, each
/// call would take a write of its own, or another task would wait for the lock. The connection's lock guards this
/// state.
struct SendCoalescing {
    /// This many tasks, answered together, start coalescing.
    static let threshold = 4
    // The reactor yields at most this many times in a row without a new call.
    private static let maxIdleYields = 8

    /// Whether the reactor sends the calls that begin now.
    private(set) var isActive = false
    private var startedCount: UInt64 = 0
    // Coalescing ends when this many calls have begun.
    private var targetCount: UInt64 = 0
    private var lastStartedCount: UInt64?
    private var idleYields = 0

    /// Expects as many calls as tasks were answered.
    mutating func start(expecting count: Int) {
        isActive = true
        targetCount = startedCount + UInt64(count)
        lastStartedCount = nil
        idleYields = 0
    }

    mutating func stop() { isActive = false }

    /// Counts a call that begins. The last expected call ends coalescing.
    mutating func recordStart() {
        startedCount += 1
        if isActive, startedCount >= targetCount { isActive = false }
    }

    /// Called after each yield of the reactor. Returns whether calls have begun since the yield before.
    mutating func recordYield() -> Bool {
        let isMoving = startedCount != lastStartedCount
        lastStartedCount = startedCount
        idleYields = isMoving ? 0 : idleYields + 1
        if idleYields >= Self.maxIdleYields { isActive = false }
        return isMoving
    }
}
