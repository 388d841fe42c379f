package import RlimitKernel

/// Limits a rate. The bucket holds the requests of one second, and refills continuously.
package struct TokenBucket {
    // In billionths of a request, so that each nanosecond adds the rate.
    private var nanotokens: UInt64
    private var last: BootInstant
    private static let one: UInt64 = 1_000_000_000

    /// A full bucket.
    package init(ratePerSecond: Int, now: BootInstant) {
        nanotokens = UInt64(clamping: ratePerSecond) * Self.one
        last = now
    }

    /// Takes one request.
    ///
    /// - Returns: nil if the bucket held one; otherwise how long to wait.
    package mutating func takeToken(ratePerSecond: Int, now: BootInstant) -> Duration? {
        let rate = UInt64(clamping: ratePerSecond)
        if now > last {
            // One second fills any bucket. The limit keeps the product within 64 bits.
            let refilled = min(now.nanoseconds(since: last), Self.one) * rate
            nanotokens = min(rate * Self.one, nanotokens + refilled)
            last = now
        }
        guard nanotokens < Self.one else {
            nanotokens -= Self.one
            return nil
        }
        // Rounded up, so that a retry after this time succeeds.
        return .nanoseconds((Self.one - nanotokens + max(1, rate) - 1) / max(1, rate))
    }
}
