// The text form of one half of a limit: a number with a unit of the resource.
//
//     bytes         65536  65536B  64K  8M  2G  1T  (1024 each; KiB and kB mean K)
//     counts        1024  64K  1M                   (1024 each)
//     seconds       30  30s  5m  2h  1d
//     microseconds  500  500us  10ms  1s  1m
//     nice          30 (the limit itself)  -10 +5 0  with a sign: the nice level, 20 - limit
//     any           unlimited  infinity; -1 is accepted only as a nice level

extension Resource {
    /// Parses a bound of this resource.
    ///
    /// - Parameter requiringUnit: Rejects a bare number of bytes or of time, as policy files do, because limits.conf
    ///   counts the same resources in KiB and minutes.
    /// - Throws: `.invalidArgument` with a message that gives the correct form.
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

    /// A bound in readable form: "8 GiB", "30 s", "unlimited".
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

    /// Whether a bare number is easily read in a wrong unit.
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

    // Reduces "kib" and "kb" to "k"; a single "b" stays.
    private func binaryPrefix(_ suffix: String) -> String {
        guard suffix.count > 1 else { return suffix }
        if suffix.hasSuffix("ib") { return String(suffix.dropLast(2)) }
        return suffix.hasSuffix("b") ? String(suffix.dropLast()) : suffix
    }

    // nil for a text without a sign, which is not a nice level.
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
            .invalidArgument,
            message:
                "\"\(text)\" for \(name) needs a unit, because configuration files count it in different units: \(example)",
            resource: self)
    }

    /// Examples of values of this resource, for error messages.
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
