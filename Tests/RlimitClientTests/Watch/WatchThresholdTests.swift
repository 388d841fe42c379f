import RlimitModel
import Testing

@testable import RlimitClient

@Suite("A threshold")
struct WatchThresholdTests {
    @Test("A watch threshold is crossed upwards, once, until the use has fallen below it by a sixteenth")
    func edges() {
        var threshold = WatchedThreshold(.above(160, of: .openFiles))
        let uses: [UInt64] = [0, 160, 161, 170, 160, 161, 151, 161, 150, 160, 161, 0, 161]
        let crossings = uses.filter { threshold.isCrossed(by: $0, under: Limit(1000)) }
        #expect(crossings == [161, 161, 161])
        var nothing = WatchedThreshold(.above(0, of: .openFiles))
        let some = ([0, 1, 0, 1] as [UInt64]).filter { nothing.isCrossed(by: $0, under: Limit(10)) }
        #expect(some == [1, 1])
    }

    @Test("A watch threshold that is a fraction moves with the limit, and is never crossed with an infinite limit")
    func parts() {
        var threshold = WatchedThreshold(.above(fraction: 0.5, of: .addressSpace))
        func isCrossed(by used: UInt64, under limit: Limit) -> Bool { threshold.isCrossed(by: used, under: limit) }
        #expect(!isCrossed(by: .max, under: Limit(.infinity)))
        #expect(!isCrossed(by: 50, under: Limit(soft: 100, hard: .infinity)))
        #expect(isCrossed(by: 51, under: Limit(soft: 100, hard: .infinity)))
        #expect(!isCrossed(by: 51, under: Limit(soft: 200, hard: .infinity)), "now below")
        #expect(isCrossed(by: 51, under: Limit(soft: 100, hard: .infinity)), "and again above")
    }

    @Test("A watch threshold has a description such as \"nofile above 90%\"")
    func text() {
        #expect(LimitClient.Watch.Threshold.above(fraction: 0.9, of: .openFiles).description == "nofile above 90%")
        #expect(LimitClient.Watch.Threshold.above(fraction: 0.125, of: .stackSize).description == "stack above 12.5%")
        #expect(LimitClient.Watch.Threshold.above(.gibibytes(8), of: .addressSpace).description == "as above 8 GiB")
    }
}
