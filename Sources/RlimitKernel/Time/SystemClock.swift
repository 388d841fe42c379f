internal import CRlimitLinux

/// The kernel's monotonic clocks, in nanoseconds. clock_gettime(2).
package enum SystemClock {
    /// CLOCK_MONOTONIC: does not include suspend.
    package static var monotonic: UInt64 { UInt64(clamping: rl_clock(RL_CLOCK_MONOTONIC)) }

    /// CLOCK_BOOTTIME: the time since boot, including suspend.
    package static var boot: UInt64 { UInt64(clamping: rl_clock(RL_CLOCK_BOOT)) }
}

extension Duration {
    /// Whole nanoseconds, clamped to the range of UInt64.
    package var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carried) = product.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
        return overflow || carried ? .max : sum
    }
}
