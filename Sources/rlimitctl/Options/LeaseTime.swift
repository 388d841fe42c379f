/// The duration of a lease on the command line, with the units of policy files: `30s`, `10m`, `1h`, `7d`.
struct LeaseTime: Equatable {
    let duration: Duration

    private static let maxDays: Int64 = 365

    /// Parses a duration of 1 s to 365 days.
    ///
    /// - Parameter option: The option or command that needs it, for the message: "--lease".
    init(parsing text: String, for option: String) throws(UsageError) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let factor: Int64? = ["s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400][text.dropFirst(digits.count)]
        guard let factor, let number = Int64(digits), number > 0 else {
            throw UsageError(
                "\(option) needs a time such as \"30s\", \"10m\", \"1h\" or \"7d\", not \"\(text.forTerminal)\"")
        }
        guard number <= Self.maxDays * 86_400 / factor else {
            throw UsageError("\(option) \(text): a lease lasts at most \(Self.maxDays)d")
        }
        duration = .seconds(number * factor)
    }

    /// The remaining time of a lease in its two largest units, rounded up to whole seconds: "9m 30s", "10m", "1d 2h".
    static func text(_ remaining: Duration) -> String {
        let (whole, rest) = max(.zero, remaining).components
        let seconds = rest > 0 ? whole + 1 : whole
        let units: [(unit: String, count: Int64)] = [
            ("d", seconds / 86_400), ("h", seconds / 3600 % 24), ("m", seconds / 60 % 60), ("s", seconds % 60),
        ]
        guard let first = units.firstIndex(where: { $0.count > 0 }) else { return "0s" }
        let shown = units[first...].prefix(2).filter { $0.count > 0 }
        return shown.map { "\($0.count)\($0.unit)" }.joined(separator: " ")
    }

    /// "ends in 10m"; for nil, "ends with the connection".
    static func ending(in remaining: Duration?) -> String {
        remaining.map { "ends in \(text($0))" } ?? "ends with the connection"
    }
}
