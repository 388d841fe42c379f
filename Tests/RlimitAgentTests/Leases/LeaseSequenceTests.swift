import PolicySamples
import RlimitModel
import SeededRandom
import Testing

@testable import RlimitAgent

/// Leases of one limit in random order, compared with a simple model of the limit.
@Suite("Sequences of leases")
struct LeaseSequenceTests {
    /// The model: it computes the limit from all leases and edits.
    private struct LimitModel {
        struct Bounds {
            var id: LeaseInfo.ID
            var soft: Limit.Bound?
            var hard: Limit.Bound?
        }

        var value: Limit
        var ours: Limit?
        var original: Limit
        var permanent: [Bounds] = []
        var held: [Bounds] = []
        /// Leases of limits that another program has changed since.
        var abandoned: [LeaseInfo.ID] = []

        init(_ value: Limit) {
            self.value = value
            original = value
        }

        var due: Limit {
            var due = original
            for hold in held + permanent {
                due.soft = max(due.soft, hold.soft ?? 0)
                due.hard = max(due.hard, hold.hard ?? 0)
            }
            due.soft = min(due.soft, due.hard)
            return due
        }

        mutating func grant(_ lease: Bounds) {
            if ours != value { begin() }
            held.append(lease)
            write(Limit(soft: max(value.soft, lease.soft ?? 0), hard: max(value.hard, lease.hard ?? 0)))
        }

        mutating func apply(_ hold: Bounds) {
            let isOurs = ours == value
            value = Limit(soft: max(value.soft, hold.soft ?? 0), hard: max(value.hard, hold.hard ?? 0))
            guard isOurs else { return }
            permanent.append(hold)
            ours = value
        }

        mutating func lower(_ limit: Limit) {
            if ours == value { begin() }
            value = limit
        }

        // No earlier lease restores the limit any more.
        private mutating func begin() {
            abandoned += held.map(\.id)
            (held, permanent, ours) = ([], [], nil)
            original = value
        }

        mutating func end(_ id: LeaseInfo.ID) -> Restoration.Outcome {
            abandoned.removeAll { $0 == id }
            guard let place = held.firstIndex(where: { $0.id == id }) else { return .changedByTarget }
            held.remove(at: place)
            defer { if held.isEmpty { (permanent, ours) = ([], nil) } }
            guard ours == value else { return .changedByTarget }
            // The end of a lease does not raise a soft limit that was lowered with the hard limit.
            let left = due
            write(Limit(soft: min(value.soft, left.soft), hard: min(value.hard, left.hard)))
            var lasting = self
            lasting.held = []
            return value == lasting.due ? .restored : .heldByAnotherLease
        }

        private mutating func write(_ limit: Limit) { (value, ours) = (limit, limit) }
    }

    @Test("In any order, the limit is the maximum of its original value and what live leases hold", arguments: 1...60)
    func anyOrder(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var fixture = LeaseFixture()
        var model = LimitModel(fixture.script.limits[.openFiles])
        var live: [LeaseInfo.ID] = []
        let bounds: [Limit.Bound] = [1500, 3000, 4096, 6000, 9000, 15000]
        for step in 0..<200 {
            let soft = Bool.random(using: &random) ? bounds.randomElement(using: &random) : nil
            let hard = soft == nil || Bool.random(using: &random) ? bounds.randomElement(using: &random) : nil
            let hold = LimitModel.Bounds(id: .init(bytes: []), soft: soft, hard: hard)
            let now = fixture.script.limits[.openFiles]
            let edit = NumericEdit(.openFiles, soft: soft, hard: hard, mode: .atLeast)
            let isPossible = max(now.soft, soft ?? 0) <= max(now.hard, hard ?? 0)
            switch Int.random(in: 0..<12, using: &random) {
            case 0..<5 where isPossible:
                let lease = try fixture.grantLease(edit, .duration(.seconds(3000)))
                live.append(lease.id)
                model.grant(LimitModel.Bounds(id: lease.id, soft: soft, hard: hard))
            case 5..<9 where !live.isEmpty:
                let id = live.remove(at: Int.random(in: 0..<live.count, using: &random))
                let expected = model.end(id)
                let restoration = try #require(fixture.release(id).first)
                #expect(restoration.outcome == expected, "step \(step)")
                #expect(restoration.limit == fixture.script.limits[.openFiles])
            case 9 where isPossible:
                _ = try fixture.set([edit], nil)
                model.apply(hold)
            case 10:
                // The process sets its own limit, possibly to the same value.
                let limit = Limit(soft: min(now.hard, bounds.randomElement(using: &random) ?? 0), hard: now.hard)
                fixture.script.limits[.openFiles] = limit
                model.value = limit
            case 11 where now.soft > 2000:
                let limit = Limit(soft: 1200, hard: now.hard)
                _ = try fixture.set([NumericEdit(.openFiles, soft: 1200)], nil)
                model.lower(limit)
            default: continue
            }
            #expect(fixture.script.limits[.openFiles] == model.value, "seed \(seed), step \(step)")
            #expect(fixture.handler.leases.table.count == live.count)
        }
        for id in live {
            _ = model.end(id)
            _ = try fixture.release(id)
        }
        #expect(fixture.script.limits[.openFiles] == model.value)
        #expect(fixture.handler.leases.table.isEmpty)
    }

    @Test("Where no other program changes the limit, it returns to its original value", arguments: 1...40)
    func comesBack(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var fixture = LeaseFixture()
        let before = fixture.script.limits[.openFiles]
        var held: [(id: LeaseInfo.ID, bound: Limit.Bound)] = []
        for _ in 0..<100 {
            if held.isEmpty || Bool.random(using: &random) {
                let bound = Limit.Bound(Int.random(in: 100...60_000, using: &random))
                let edit = NumericEdit(.openFiles, soft: bound, hard: bound, mode: .atLeast)
                held.append((try fixture.grantLease(edit, .duration(.seconds(3600))).id, bound))
            } else {
                _ = try fixture.release(held.remove(at: Int.random(in: 0..<held.count, using: &random)).id)
            }
            let maxBound = held.map(\.bound).max() ?? 0
            #expect(
                fixture.script.limits[.openFiles]
                    == Limit(soft: max(before.soft, maxBound), hard: max(before.hard, maxBound)))
        }
        fixture.pass(.seconds(3601))
        #expect(fixture.script.limits[.openFiles] == before)
        #expect(fixture.handler.leases.table.isEmpty)
    }
}
