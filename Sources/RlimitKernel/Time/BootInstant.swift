/// A moment on the clock by which the agent serves: one machine word, so that the loop can look at it for every request.
/// Counts on while the machine sleeps. CLOCK_BOOTTIME of clock_gettime(2).
package struct BootInstant: Hashable, Sendable {
    /// Nanoseconds since boot.
    package var nanoseconds: UInt64

    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    package static var now: BootInstant { BootInstant(nanoseconds: SystemClock.boot) }

    /// How much later this is; 0 where it is not.
    package func nanoseconds(since earlier: BootInstant) -> UInt64 {
        nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
    }
}

extension BootInstant: Comparable {
    package static func < (left: BootInstant, right: BootInstant) -> Bool { left.nanoseconds < right.nanoseconds }

    /// So much later; the end of time where there is no such moment. What is below zero counts as nothing.
    package static func + (instant: BootInstant, duration: Duration) -> BootInstant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return BootInstant(nanoseconds: overflow ? .max : sum)
    }

    /// How much later the first is; below zero where it is earlier.
    package static func - (later: BootInstant, earlier: BootInstant) -> Duration {
        later < earlier
            ? .zero - .nanoseconds(earlier.nanoseconds(since: later)) : .nanoseconds(later.nanoseconds(since: earlier))
    }
}
