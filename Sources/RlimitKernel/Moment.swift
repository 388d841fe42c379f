/// A moment on the clock by which the agent serves: one machine word, so that the loop can look at it for every request.
/// Counts on while the machine sleeps. CLOCK_BOOTTIME of clock_gettime(2).
package struct Moment: Hashable, Sendable {
    /// Nanoseconds since boot.
    package var nanoseconds: UInt64

    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    package static var now: Moment { Moment(nanoseconds: SystemClock.boot) }

    /// How much later this is; 0 where it is not.
    package func nanoseconds(since earlier: Moment) -> UInt64 {
        nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
    }
}

extension Moment: Comparable {
    package static func < (left: Moment, right: Moment) -> Bool { left.nanoseconds < right.nanoseconds }

    /// So much later; the end of time where there is no such moment. What is below zero counts as nothing.
    package static func + (moment: Moment, duration: Duration) -> Moment {
        let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return Moment(nanoseconds: overflow ? .max : sum)
    }

    /// How much later the first is; below zero where it is earlier.
    package static func - (later: Moment, earlier: Moment) -> Duration {
        later < earlier
            ? .zero - .nanoseconds(earlier.nanoseconds(since: later)) : .nanoseconds(later.nanoseconds(since: earlier))
    }
}
