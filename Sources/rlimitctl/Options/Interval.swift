import ArgumentParser

/// The interval of `--every`: `500ms`, `1s`, `0.5s`, `2m`, `1h`; a number without a unit is in seconds.
struct Interval: Equatable {
    let duration: Duration

    static let second = Interval(.seconds(1))

    private init(_ duration: Duration) { self.duration = duration }

    /// Parses an interval for the argument parser.
    ///
    /// - Throws: `ValidationError`, which names the range and examples.
    init(parsing text: String) throws {
        guard let interval = Interval(argument: text) else {
            throw ValidationError("an interval is from 1ms to 24h, such as 500ms, 1s or 2m")
        }
        self = interval
    }

    init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let number = Double(digits), let scale = Self.seconds[String(argument.dropFirst(digits.count))] else {
            return nil
        }
        let seconds = number * scale
        guard seconds >= 0.001, seconds <= 86400 else { return nil }
        duration = .milliseconds(Int64((seconds * 1000).rounded()))
    }

    private static let seconds: [String: Double] = ["": 1, "s": 1, "ms": 0.001, "m": 60, "min": 60, "h": 3600]

    /// "1 s", "500 ms"
    var text: String {
        let milliseconds = duration.wholeMicroseconds / 1000
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
    }
}
