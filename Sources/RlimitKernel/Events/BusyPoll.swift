/// Decides whether a wait polls for a short time before it sleeps.
///
/// Waking an idle processor takes longer than a call, so polling pays if the response is near. Otherwise it wastes
/// processor time. Each window without a result skips the next 4 waits, then 8, up to 1024, until a poll succeeds. A
/// result that the first check finds is not counted as a success, because it needed no polling. This type makes no
/// system call but reads the clock.
package struct BusyPoll: Hashable, Sendable {
    /// The number of waits that the first window without a result skips.
    package static let minSkippedWaits = 4
    /// The maximum number of waits that a window without a result skips.
    package static let maxSkippedWaits = 1024

    /// The maximum time to poll, in nanoseconds. 0 disables polling.
    package let window: UInt64
    private var nextSkippedWaits = Self.minSkippedWaits
    private var waitsToSkip = 0

    /// - Parameters:
    ///   - window: The maximum time to poll. Zero or a negative duration disables polling.
    ///   - processors: The number of processors. With one processor the poll would delay the other end, so polling is
    ///     disabled.
    package init(upTo window: Duration, processors: Int = Processors.online) {
        self.window = processors > 1 ? window.nanoseconds : 0
    }

    /// Disabled.
    package static let off = BusyPoll(upTo: .zero, processors: 1)

    /// Returns whether this wait polls. Call it once for each wait, because it counts the skipped ones.
    package mutating func shouldPoll() -> Bool {
        guard window > 0 else { return false }
        guard waitsToSkip > 0 else { return true }
        waitsToSkip -= 1
        return false
    }

    /// Records a result that a poll found, in the first check or in a later one.
    package mutating func recordHit(afterFirst isLater: Bool) {
        if isLater { nextSkippedWaits = Self.minSkippedWaits }
    }

    /// Records a window that passed without a result.
    package mutating func recordMiss() {
        waitsToSkip = nextSkippedWaits
        nextSkippedWaits = min(nextSkippedWaits * 2, Self.maxSkippedWaits)
    }
}

extension BusyPoll {
    /// Polls at the start of a wait: calls `check` until it returns true or the window has passed. Skips the poll if
    /// due.
    ///
    /// - Parameters:
    ///   - now: The current time, in nanoseconds.
    ///   - check: Returns whether there is a result. Must not block.
    /// - Returns: Whether a result was found. False also if the poll was skipped.
    package mutating func poll<E: Error>(
        now: () -> UInt64 = { SystemClock.monotonic }, _ check: () throws(E) -> Bool
    ) throws(E) -> Bool {
        guard shouldPoll() else { return false }
        if try check() {
            recordHit(afterFirst: false)
            return true
        }
        let start = now()
        repeat {
            if try check() {
                recordHit(afterFirst: true)
                return true
            }
        } while now() &- start < window
        recordMiss()
        return false
    }
}
