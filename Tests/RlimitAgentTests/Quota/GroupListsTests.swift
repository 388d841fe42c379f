import Testing

@testable import RlimitAgent

@Suite("Group lists")
struct GroupListsTests {
    private func groups(_ count: Int, from first: UInt32 = 0) -> [UInt32] { (0..<UInt32(count)).map { $0 + first } }

    @Test("Equal lists are stored once, and different long lists are bounded for each tenant")
    func oneTenant() {
        var lists = SharedGroupLists()
        var budget = GroupBudget()
        for _ in 0..<64 { #expect(lists.intern(groups(65536), within: &budget) != nil) }
        #expect(budget.entries == 65536)
        #expect(lists.intern(groups(65536, from: 1), within: &budget) == nil)
        #expect(lists.intern(groups(65, from: 1), within: &budget) == nil)
        #expect(lists.intern(groups(64, from: 1), within: &budget) == groups(64, from: 1))
        for _ in 0..<63 { lists.release(groups(65536), to: &budget) }
        #expect(lists.intern(groups(65536, from: 1), within: &budget) == nil)
        lists.release(groups(65536), to: &budget)
        #expect(budget.entries == 0)
        #expect(lists.intern(groups(65536, from: 1), within: &budget) != nil)
        lists.release(groups(64, from: 1), to: &budget)
        #expect(budget.entries == 65536)
    }

    @Test("Equal lists share their memory")
    func shared() throws {
        var lists = SharedGroupLists()
        var budget = GroupBudget()
        let first = try #require(lists.intern(groups(1000), within: &budget))
        let second = try #require(lists.intern(groups(1000), within: &budget))
        let addresses = [first, second].map { $0.withUnsafeBufferPointer { $0.baseAddress } }
        #expect(addresses[0] == addresses[1])
    }

    @Test("Long lists are bounded for all tenants together")
    func allTenants() {
        var budget = GroupBudget()
        var admitted = 0
        for number in 0..<1000 as Range<UInt32> {
            var lists = SharedGroupLists()
            if lists.intern(groups(65536, from: number), within: &budget) != nil { admitted += 1 }
        }
        #expect(admitted == 64 && budget.entries <= GroupBudget.maxEntries)
    }
}
