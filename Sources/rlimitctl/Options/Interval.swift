import ArgumentParser

/// A length of time as people write it: `500ms`, `1s`, `0.5s`, `2m`, `1h`; a bare number is seconds.
struct Interval: Equatable {
    let duration: Duration

    static let second = Interval(.seconds(1))

    private init(_ duration: Duration) { self.duration = duration }

    /// - Throws: What would be one.
    init(word: String) throws {
        guard let interval = Interval(argument: word) else {
            throw ValidationError("a time is from 1ms to 24h, such as 500ms, 1s or 2m")
        }
        self = interval
    }

    init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let number = Double(digits), let scale = Self.seconds[String(argument.dropFirst(digits.count))] else {
            return nil
        }
        let seconds = number * scale
        // A day is enough, and a thousandth of a second little enough.
        guard seconds >= 0.001, seconds <= 86400 else { return nil }
        duration = .milliseconds(Int64((seconds * 1000).rounded()))
    }

    private static let seconds: [String: Double] = ["": 1, "s": 1, "ms": 0.001, "m": 60, "min": 60, "h": 3600]

    /// As in "every 1 s".
    var text: String {
        let milliseconds = duration.wholeMicroseconds / 1000
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
    }

}
