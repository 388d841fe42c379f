extension Duration {
    /// In milliseconds, rounded up; 0 for what is negative.
    var milliseconds: UInt64 { UInt64(clamping: (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000) }

    /// In microseconds, rounded down; 0 for what is negative.
    var microseconds: UInt64 { UInt64(clamping: attoseconds / 1_000_000_000_000) }
}
