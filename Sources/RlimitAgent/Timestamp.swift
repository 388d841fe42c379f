import RlimitKernel

/// A moment of civil time, as RFC 3339 writes it in UTC: `2026-11-23T19:40:12.123456Z`.
struct Timestamp: CustomStringConvertible {
    private let seconds: Int64
    private let microseconds: Int64

    init(seconds: Int64, microseconds: Int64) {
        self.seconds = seconds
        self.microseconds = microseconds
    }

    static func now() -> Timestamp {
        let (seconds, nanoseconds) = WallClock.now()
        return Timestamp(seconds: seconds, microseconds: nanoseconds / 1000)
    }

    var description: String {
        var bytes: [UInt8] = []
        write { bytes.append($0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The text, byte by byte.
    func write(_ append: (UInt8) -> Void) {
        // By constants, so that no division is made.
        func pair(_ number: Int64) {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / 10 % 10))
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
        }
        let day = seconds >= 0 ? seconds / 86400 : (seconds + 1) / 86400 - 1
        let second = seconds - day * 86400
        let (year, month, dayOfMonth) = Timestamp.civil(day)
        pair(year / 100 % 100)
        pair(year % 100)
        append(UInt8(ascii: "-"))
        pair(month)
        append(UInt8(ascii: "-"))
        pair(dayOfMonth)
        append(UInt8(ascii: "T"))
        pair(second / 3600)
        append(UInt8(ascii: ":"))
        pair(second / 60 % 60)
        append(UInt8(ascii: ":"))
        pair(second % 60)
        append(UInt8(ascii: "."))
        pair(microseconds / 10_000 % 100)
        pair(microseconds / 100 % 100)
        pair(microseconds % 100)
        append(UInt8(ascii: "Z"))
    }

    // Days since 1970 to the Gregorian calendar, counted in eras of 400 years that begin on the first of March, so that
    // the day that comes and goes is the last of a year.
    private static func civil(_ day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }
}
