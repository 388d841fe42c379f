import RlimitModel
import RlimitWire
import Testing

/// Lists of leases, which may be longer than a frame.
@Suite struct LeaseListTests {
    private func leases(_ part: Response) throws -> [LeaseInfo] {
        guard case .leases(let leases) = try part.outcome.get() else {
            Issue.record("\(part) is not about leases")
            return []
        }
        return leases
    }

    private func many(_ count: Int, changes: [Change]) -> [LeaseInfo] {
        (1...UInt16(count)).map { number in
            let id = LeaseInfo.ID(bytes: [UInt8(number >> 8), UInt8(number & 255)])
            return LeaseInfo(
                id: id, pid: Int32(number), changes: changes, remaining: .milliseconds(number), rule: "r")
        }
    }

    @Test(arguments: [0, 1, 6])
    func `A long list arrives complete and in order in several frames`(changes: Int) throws {
        let expected = many(5000, changes: Array(Samples.changes.prefix(changes)))
        for more in [false, true] {
            let parts = try Wire.parts(Response(id: 77, more: more, .success(.leases(expected))))
            #expect(parts.count > 1 && parts.count < 500)
            #expect(parts.allSatisfy { $0.id == 77 })
            #expect(parts.map(\.more) == Array(repeating: true, count: parts.count - 1) + [more])
            #expect(try parts.flatMap { try leases($0) } == expected)
        }
    }

    @Test func `A list of leases that fits in one frame is one frame`() throws {
        for count in [1, 2, 32] {
            let list = many(count, changes: Array(Samples.changes.prefix(2)))
            #expect(try Wire.parts(Response(id: 1, .success(.leases(list)))).count == 1)
        }
    }

    @Test func `A lease that does not fit in a frame ends the list with an internal error`() throws {
        #expect(try Wire.parts(Response(id: 5, .success(.leases([])))) == [Response(id: 5, .success(.leases([])))])
        var list = many(2, changes: [])
        list.append(
            LeaseInfo(id: LeaseInfo.ID(bytes: [9]), changes: Array(repeating: Samples.changes[0], count: 5000)))
        let parts = try Wire.parts(Response(id: 5, .success(.leases(list))))
        #expect(parts.count == 2 && parts.first?.more == true)
        let expected = RlimitError(.internalError, message: "the answer is too long for a frame")
        #expect(parts.last == Response(id: 5, .failure(expected)))
    }
}
