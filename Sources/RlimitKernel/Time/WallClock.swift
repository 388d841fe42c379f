internal import Glibc

/// Civil time, for display and logs. Not monotonic.
package enum WallClock {
    /// Seconds since 1970 and nanoseconds of the second. clock_gettime(2), CLOCK_REALTIME.
    package static func now() -> (seconds: Int64, nanoseconds: Int64) {
        var time = timespec()
        // CLOCK_REALTIME always exists, and the pointer is valid during the call.
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return (Int64(time.tv_sec), Int64(time.tv_nsec))
    }
}
