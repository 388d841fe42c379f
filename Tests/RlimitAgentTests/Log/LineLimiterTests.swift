import RlimitKernel
import Testing

@testable import RlimitAgent

@Suite("The bound of log lines")
struct LineLimiterTests {
    private typealias Limiter = LineLimiter<Int, String>
    private let start = BootInstant.now

    private func admitted(_ count: Int, of source: Int, to limiter: inout Limiter, at now: BootInstant) -> Int {
        (0..<count).count { limiter.admit(source, "line \($0)", weight: 1, now: now) }
    }

    @Test("A source has a hundred lines in a minute, and the others are counted, with a sample of the last one")
    func bound() {
        var limiter = Limiter()
        #expect(admitted(250, of: 1, to: &limiter, at: start) == 100)
        #expect(admitted(100, of: 2, to: &limiter, at: start) == 100)
        #expect(limiter.endMinute(at: start + .milliseconds(59_999)).isEmpty)
        let suppressed = limiter.endMinute(at: start + .seconds(60))
        #expect(suppressed.map(\.source) == [1])
        #expect(suppressed.map(\.count) == [150])
        #expect(suppressed.map(\.last) == ["line 249"])
        #expect(!limiter.hasSuppressed)
    }

    @Test("A source that pauses gets no new lines before the minute ends, and a hundred after it")
    func pauses() {
        var limiter = Limiter()
        #expect(admitted(100, of: 1, to: &limiter, at: start) == 100)
        #expect(admitted(10, of: 1, to: &limiter, at: start + .seconds(59)) == 0)
        _ = limiter.endMinute(at: start + .seconds(60))
        #expect(admitted(150, of: 1, to: &limiter, at: start + .seconds(61)) == 100)
        #expect(limiter.end == start + .seconds(121))
    }

    @Test("A flood from many sources leaves each source its first line and its count, and a bounded table")
    func manySources() {
        var limiter = Limiter()
        var written = 0
        for source in 0..<5000 { written += admitted(10, of: source, to: &limiter, at: start) }
        #expect(written <= Limiter.maxLinesOfAll + Limiter.maxSources + 1)
        let suppressed = limiter.endMinute(at: start + .seconds(60))
        #expect(suppressed.count <= Limiter.maxSources + 1)
        #expect(suppressed.count { $0.source == nil } == 1, "the sources beyond the table share a count")
        #expect(written + suppressed.reduce(0) { $0 + $1.count } == 50_000, "each line is written or counted")
        // A source that comes while all lines of the minute are used has a line too.
        var late = Limiter()
        for source in 0..<100 { _ = admitted(100, of: source, to: &late, at: start) }
        #expect(admitted(5, of: 100, to: &late, at: start) == 1)
    }

    @Test("One tenant with lines of every kind does not use up the lines of all")
    func allKinds() {
        // Ten operations that are refused, connections and frames, lost targets of reads, and renewals.
        #expect(16 * Limiter.maxLines < Limiter.maxLinesOfAll)
    }

    @Test("The counts of a minute are reported once, at its end or with the next line after it")
    func shared() {
        let limiter = SharedLineLimiter<Int, String>()
        var reported: [Int] = []
        func admit(_ count: Int, at now: BootInstant) {
            for _ in 0..<count { _ = limiter.admit(1, "", now: now) { reported.append($0.count) } }
        }
        admit(100, at: start)
        #expect(!limiter.hasSuppressed)
        limiter.endMinute(at: start + .seconds(90)) { reported.append($0.count) }
        #expect(reported.isEmpty)
        // The first minute is over, so a new one begins here.
        admit(107, at: start + .seconds(100))
        #expect(limiter.hasSuppressed)
        limiter.endMinute(at: start + .seconds(159)) { reported.append($0.count) }
        #expect(reported.isEmpty)
        limiter.endMinute(at: start + .seconds(160)) { reported.append($0.count) }
        limiter.endMinute(at: start + .seconds(161)) { reported.append($0.count) }
        #expect(reported == [7])
        admit(103, at: start + .seconds(170))
        admit(1, at: start + .seconds(500))
        #expect(reported == [7, 3])
        #expect(!limiter.hasSuppressed)
    }
}
