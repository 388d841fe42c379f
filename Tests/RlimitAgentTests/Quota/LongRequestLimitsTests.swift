import RlimitModel
import RlimitPolicy
import Testing

@testable import RlimitAgent

@Suite("Slots of long requests")
struct LongRequestLimitsTests {
    /// Begins as many long requests as these tenants get, and returns how many each has.
    private func fill(_ tenants: [LongRequestLimits.Caller], of limits: LongRequestLimits) -> [Int] {
        var counts = tenants.map { _ in 0 }
        for _ in 0..<limits.all {
            for (place, caller) in tenants.enumerated() {
                let withoutRule = zip(tenants, counts).reduce(0) { $0 + ($1.0 == .withoutRule ? $1.1 : 0) }
                let available = limits.available(
                    to: caller, besides: counts.reduce(0, +), ofThemWithoutRule: withoutRule)
                if counts[place] < LongRequestLimits.limit(ofTenantWith: available) { counts[place] += 1 }
            }
        }
        return counts
    }

    @Test("Tenants without a rule share half, and tenants with one leave a reserve for administrators")
    func shares() {
        let limits = LongRequestLimits(all: 32)
        let withoutRule = fill(.init(repeating: .withoutRule, count: 100), of: limits)
        #expect(withoutRule.reduce(0, +) == limits.withoutRule)
        let others: [LongRequestLimits.Caller] = [.withRule, .administrator]
        #expect(fill(.init(repeating: .withoutRule, count: 100) + others, of: limits).suffix(2) == [4, 4])
        let withRule = fill(.init(repeating: .withRule, count: 100), of: limits)
        #expect(withRule.reduce(0, +) == limits.all - limits.reserve)
        #expect(fill(.init(repeating: .withRule, count: 100) + [.administrator], of: limits).last == 2)
        #expect(fill([.withoutRule], of: limits) == [4] && fill([.withRule], of: limits) == [4])
    }

    @Test("No tenant takes the last slots before the others have one")
    func lastSlots() {
        let limits = LongRequestLimits(all: 32)
        #expect(fill([.withoutRule, .withoutRule, .withoutRule, .withoutRule], of: limits).allSatisfy { $0 >= 3 })
        #expect(limits.available(to: .withoutRule, besides: 12, ofThemWithoutRule: 12) == 2)
        #expect(LongRequestLimits.limit(ofTenantWith: 2) == 2)
    }

    @Test("An agent with few descriptors has a slot for each kind of caller")
    func few() {
        let limits = LongRequestLimits(all: 1)
        for caller in [LongRequestLimits.Caller.administrator, .withRule, .withoutRule] {
            #expect(fill([caller], of: limits) == [1])
        }
    }
}
