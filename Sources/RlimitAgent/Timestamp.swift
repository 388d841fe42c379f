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
        let day = Int64((Double(seconds) / 86400).rounded(.down))
        let second = seconds - day * 86400
        let (year, month, dayOfMonth) = Timestamp.civil(day)
        let time = "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))"
        let fraction = String(1_000_000 + microseconds).dropFirst()
        return "\(year)-\(two(month))-\(two(dayOfMonth))T\(time).\(fraction)Z"
    }

    private func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

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
