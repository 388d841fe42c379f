// How one half of a limit is written: numbers with the units that fit the resource.
//
//     bytes         65536  65536B  64K  8M  2G  1T  (1024 each; KiB and kB mean K)
//     counts        1024  64K  1M                   (1024 each)
//     seconds       30  30s  5m  2h  1d
//     microseconds  500  500us  10ms  1s  1m
//     nice          30 (the limit itself)  -10 +5 0  with a sign: the nice level, 20 - limit
//     any           unlimited  infinity  -1 is refused: it is a nice level or nothing

extension Resource {
    /// The bound that a text means for this resource.
    ///
    /// - Parameter requiringUnit: Refuse a bare number of bytes or of time, as policy files do: limits.conf counts the
    ///   same resources in KiB and minutes.
    /// - Throws: `.invalidArgument`, saying what would be right.
    package func bound(
        parsing text: some StringProtocol, requiringUnit: Bool = false
    ) throws(RlimitError) -> Limit.Bound {
        let word = text.lowercased()
        if ["unlimited", "infinity", "infinite"].contains(word) { return .infinity }
        if unit == .niceLevel, let level = try niceLevel(word) { return level }
        let digits = word.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty else { throw malformed(text) }
        guard let number = UInt64(digits) else { throw tooLarge(text) }
        let suffix = String(word.dropFirst(digits.count))
        if suffix.isEmpty && requiringUnit && number != 0 && needsUnit { throw unitMissing(text) }
        guard let factor = factor(of: suffix) else { throw malformed(text) }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow, product != .max else { throw tooLarge(text) }
        return Limit.Bound(rawValue: product)
    }

    /// "8 GiB", "30 s", "unlimited": a bound as a person reads it.
    public func formatted(_ bound: Limit.Bound) -> String {
        guard let value = bound.value else { return "unlimited" }
        switch unit {
        case .bytes:
            let scale = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)]
            for (name, shift) in scale where value >= 1 << shift && value & ((1 << shift) - 1) == 0 {
                return "\(value >> shift) \(name)"
            }
            return "\(value) B"
        case .seconds: return "\(value) s"
        case .microseconds: return value % 1000 == 0 && value > 0 ? "\(value / 1000) ms" : "\(value) us"
        case .niceLevel: return value > 0 && value <= 40 ? "\(value) (nice \(20 - Int(value)))" : "\(value)"
        case .count, .priority: return "\(value)"
        }
    }

    /// Whether a bare number is easily mistaken for another unit.
    private var needsUnit: Bool { unit == .bytes || unit == .seconds || unit == .microseconds }

    private func factor(of suffix: String) -> UInt64? {
        if suffix.isEmpty { return 1 }
        switch unit {
        case .bytes:
            return ["b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40][binaryPrefix(suffix)]
        case .count:
            return ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30][suffix]
        case .seconds:
            return ["s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400][suffix]
        case .microseconds:
            return ["us": 1, "ms": 1000, "s": 1_000_000, "m": 60_000_000, "min": 60_000_000][suffix]
        case .niceLevel, .priority:
            return nil
        }
    }

    // "kib" and "kb" to "k"; a lone "b" stays.
    private func binaryPrefix(_ suffix: String) -> String {
        guard suffix.count > 1 else { return suffix }
        if suffix.hasSuffix("ib") { return String(suffix.dropLast(2)) }
        return suffix.hasSuffix("b") ? String(suffix.dropLast()) : suffix
    }

    // nil: no sign, so not a level.
    private func niceLevel(_ word: String) throws(RlimitError) -> Limit.Bound? {
        guard word.hasPrefix("-") || word.hasPrefix("+") else { return nil }
        guard let level = Int(word), (-20...19).contains(level) else {
            throw RlimitError(
                .invalidArgument, message: "\"\(word)\" is no nice level; they go from -20 to +19", resource: self)
        }
        return Limit.Bound(20 - level)
    }

    private func malformed(_ text: some StringProtocol) -> RlimitError {
        RlimitError(
            .invalidArgument, message: "\"\(text)\" is no value for \(name); write \(example)", resource: self)
    }

    private func tooLarge(_ text: some StringProtocol) -> RlimitError {
        RlimitError(
            .invalidArgument, message: "\"\(text)\" is too large for \(name); write \"unlimited\" for no limit",
            resource: self)
    }

    private func unitMissing(_ text: some StringProtocol) -> RlimitError {
        RlimitError(
            .invalidArgument, message: "\"\(text)\" for \(name) needs a unit, for no two files count alike: \(example)",
            resource: self)
    }

    /// How a value of this resource may be written.
    package var example: String {
        switch unit {
        case .bytes: "bytes as 65536B, 64K, 8M, 2G, or unlimited"
        case .count: "a count as 1024, 64K, 1M, or unlimited"
        case .seconds: "a time as 30s, 5m, 2h, or unlimited"
        case .microseconds: "a time as 500us, 10ms, 1s, or unlimited"
        case .niceLevel: "a nice level with its sign as -10, or the limit as 30, or unlimited"
        case .priority: "a priority from 0 to 99, or unlimited"
        }
    }
}
