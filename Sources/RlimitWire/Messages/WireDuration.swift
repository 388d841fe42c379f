extension Duration {
    /// In milliseconds, rounded up; 0 for what is negative.
    var milliseconds: UInt64 {
        let whole = attoseconds + 999_999_999_999_999
        // Up to nine seconds; to divide numbers of two words takes long.
        if let small = Int64(exactly: whole) { return UInt64(clamping: small / 1_000_000_000_000_000) }
        return UInt64(clamping: whole / 1_000_000_000_000_000)
    }

    /// In microseconds, rounded down; 0 for what is negative.
    var microseconds: UInt64 { UInt64(clamping: attoseconds / 1_000_000_000_000) }
}
