/// A time of the agent's clock, which includes suspend. One machine word, so that the event loop can read it for every
/// request. CLOCK_BOOTTIME of clock_gettime(2).
package struct BootInstant: Hashable, Sendable {
    /// Nanoseconds since boot.
    package var nanoseconds: UInt64

    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    package static var now: BootInstant { BootInstant(nanoseconds: SystemClock.boot) }

    /// The time since `earlier`. 0 if this is not later.
    package func nanoseconds(since earlier: BootInstant) -> UInt64 {
        nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
    }
}

extension BootInstant: Comparable {
    package static func < (left: BootInstant, right: BootInstant) -> Bool { left.nanoseconds < right.nanoseconds }

    /// Adds a duration. A negative duration counts as zero, and an overflow gives the maximum.
    package static func + (instant: BootInstant, duration: Duration) -> BootInstant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return BootInstant(nanoseconds: overflow ? .max : sum)
    }

    /// The time from the second to the first. Negative if the first is earlier.
    package static func - (later: BootInstant, earlier: BootInstant) -> Duration {
        later < earlier
            ? .zero - .nanoseconds(earlier.nanoseconds(since: later)) : .nanoseconds(later.nanoseconds(since: earlier))
    }
}
