import RlimitKernel

/// A time in UTC in the format of RFC 3339: `2026-11-23T19:40:12.123456Z`.
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
        let bytes = bytes
        return unsafe bytes.span.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// The text.
    var bytes: InlineArray<27, UInt8> {
        var text = InlineArray<27, UInt8>(repeating: UInt8(ascii: "0"))
        // Constant divisors, which the compiler turns into multiplications.
        func put(_ number: Int64, at place: Int) {
            text[place] &+= UInt8(truncatingIfNeeded: number / 10 % 10)
            text[place + 1] &+= UInt8(truncatingIfNeeded: number % 10)
        }
        let day = seconds >= 0 ? seconds / 86400 : (seconds + 1) / 86400 - 1
        let second = seconds - day * 86400
        let (year, month, dayOfMonth) = Timestamp.civil(day)
        put(year / 100 % 100, at: 0)
        put(year % 100, at: 2)
        text[4] = UInt8(ascii: "-")
        put(month, at: 5)
        text[7] = UInt8(ascii: "-")
        put(dayOfMonth, at: 8)
        text[10] = UInt8(ascii: "T")
        put(second / 3600, at: 11)
        text[13] = UInt8(ascii: ":")
        put(second / 60 % 60, at: 14)
        text[16] = UInt8(ascii: ":")
        put(second % 60, at: 17)
        text[19] = UInt8(ascii: ".")
        put(microseconds / 10_000 % 100, at: 20)
        put(microseconds / 100 % 100, at: 22)
        put(microseconds % 100, at: 24)
        text[26] = UInt8(ascii: "Z")
        return text
    }

    // Converts days since 1970 to the Gregorian calendar. Counts in eras of 400 years that begin on the first of March,
    // so that a leap day is the last day of a year.
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
