import Testing

@testable import rlimitctl

@Suite("Intervals")
struct IntervalTests {
    @Test(
        "An interval is parsed with its unit and shown in seconds or milliseconds",
        arguments: [
            ("1s", Duration.seconds(1), "1 s"), ("500ms", .milliseconds(500), "500 ms"),
            ("0.5s", .milliseconds(500), "500 ms"),
            ("2", .seconds(2), "2 s"), ("2m", .seconds(120), "120 s"), ("1h", .seconds(3600), "3600 s"),
        ])
    func intervals(text: String, duration: Duration, shown: String) {
        let interval = Interval(argument: text)
        #expect(interval?.duration == duration && interval?.text == shown)
    }

    @Test(
        "Other texts are rejected",
        arguments: ["", "s", "0", "0s", "-1s", "1d", "1 s", "25h", "0.1ms", "1e3s", "1.2.3s", "nan"])
    func invalid(text: String) { #expect(Interval(argument: text) == nil) }
}
