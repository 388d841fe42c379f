internal import CRlimitLinux

/// The kernel's clocks that never go back, in nanoseconds. clock_gettime(2).
package enum SystemClock {
    /// CLOCK_MONOTONIC: stands still while the machine sleeps.
    package static var monotonic: UInt64 { UInt64(clamping: rl_clock(RL_CLOCK_MONOTONIC)) }

    /// CLOCK_BOOTTIME: counts on while the machine sleeps, and begins at boot.
    package static var boot: UInt64 { UInt64(clamping: rl_clock(RL_CLOCK_BOOT)) }
}

extension Duration {
    /// Whole nanoseconds, clamped; never negative.
    package var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carried) = product.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
        return overflow || carried ? .max : sum
    }
}
