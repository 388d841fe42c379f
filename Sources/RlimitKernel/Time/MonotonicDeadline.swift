/// The end of a wait: a time of CLOCK_MONOTONIC, or never.
package struct MonotonicDeadline: Hashable, Comparable, Sendable {
    /// Nanoseconds of `SystemClock.monotonic`. The maximum value means never.
    package let nanoseconds: UInt64

    package init(at nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// Takes nanoseconds from now. The maximum value means never.
    package init(after timeout: UInt64) {
        let (sum, overflow) = SystemClock.monotonic.addingReportingOverflow(timeout)
        nanoseconds = overflow ? .max : sum
    }

    package static let never = MonotonicDeadline(at: .max)

    /// Nanoseconds from now to the deadline. 0 after it has passed; nil for never.
    package var remaining: UInt64? {
        self == .never ? nil : remaining(at: SystemClock.monotonic)
    }

    /// Nanoseconds from `now` to the deadline. 0 after it has passed; nil for never.
    package func remaining(at now: UInt64) -> UInt64? {
        guard self != .never else { return nil }
        return nanoseconds > now ? nanoseconds - now : 0
    }

    /// Converts nanoseconds to milliseconds, rounded up.
    package static func roundedUpToMilliseconds(_ nanoseconds: UInt64) -> UInt64 {
        nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 == 0 ? 0 : 1)
    }

    package var hasPassed: Bool { remaining == 0 }

    package static func < (lhs: MonotonicDeadline, rhs: MonotonicDeadline) -> Bool { lhs.nanoseconds < rhs.nanoseconds }
}
