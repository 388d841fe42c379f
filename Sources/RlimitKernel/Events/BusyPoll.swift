/// When to look for an answer again and again for a short while before sleeping, and when not to.
///
/// To wake an idle processor takes longer than a call does, so that looking pays where an answer is near. It pays nobody
/// where none is: each window that passes in vain skips the next 4 waits, then 8, up to 1024, until one succeeds. What the
/// very first look finds is no success, for it was there without any polling. Pure: whoever waits does the looking.
package struct BusyPoll: Hashable, Sendable {
    /// How many waits the first window in vain skips.
    package static let minSkippedWaits = 4
    /// How many waits a window in vain skips at most.
    package static let maxSkippedWaits = 1024

    /// How long to look at most, in nanoseconds; 0 never looks.
    package let window: UInt64
    private var nextSkippedWaits = Self.minSkippedWaits
    private var waitsToSkip = 0

    /// - Parameters:
    ///   - window: How long to look at most; zero, or less, never looks.
    ///   - processors: How many the machine has. On a single one whoever polls keeps the other end from answering,
    ///     so nothing is polled there.
    package init(upTo window: Duration, processors: Int = Processors.online) {
        self.window = processors > 1 ? window.nanoseconds : 0
    }

    /// Never looks.
    package static let off = BusyPoll(upTo: .zero, processors: 1)

    /// Whether this wait begins with looking. Asked once for each wait: one that skips is counted.
    package mutating func shouldPoll() -> Bool {
        guard window > 0 else { return false }
        guard waitsToSkip > 0 else { return true }
        waitsToSkip -= 1
        return false
    }

    /// Looking found something: by the first look, or by a later one.
    package mutating func recordHit(afterFirst isLater: Bool) {
        if isLater { nextSkippedWaits = Self.minSkippedWaits }
    }

    /// The window passed and nothing was found.
    package mutating func recordMiss() {
        waitsToSkip = nextSkippedWaits
        nextSkippedWaits = min(nextSkippedWaits * 2, Self.maxSkippedWaits)
    }
}

extension BusyPoll {
    /// One wait's looking, if this wait is to begin with any: `check` until it says true, or the window is over.
    ///
    /// - Parameters:
    ///   - now: The time, in nanoseconds.
    ///   - look: Whether it is there; does not block.
    /// - Returns: Whether it was found. False also where nothing was looked for.
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
