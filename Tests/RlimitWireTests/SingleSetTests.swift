import CProtobufC
import CRlimitProto
import RlimitModel
import Testing

@testable import RlimitWire

/// A set of one limit goes a short way, and comes to what it would by the long one.
@Suite struct SingleSetTests {
    private static let edits = [
        NumericEdit(.openFiles, soft: 1024), NumericEdit(.cpuTime, hard: .infinity),
        NumericEdit(.realtimeTimeout, soft: 0, hard: 127), NumericEdit(.stackSize, soft: 128, hard: 300),
        NumericEdit(.nice, soft: .infinity, hard: .infinity, mode: .atLeast),
        NumericEdit(.lockedMemory, soft: 9, hard: 5, mode: .clamp),
    ]
    private static let requests = edits.flatMap { edit in
        [
            Request(id: 1, .set(.caller, EditBatch(edit), lease: nil)),
            Request(id: .max, timeout: .seconds(5), .set(.pid(77), EditBatch(edit), lease: nil)),
            Request(id: 300, .set(.attachedPidfd, EditBatch(edit), lease: nil)),
        ]
    }

    @Test(arguments: requests)
    func `what encoders write is read in one pass`(request: Request) throws {
        let payload = try Wire.frame(request).payload
        #expect(RequestDecoder().singleSet(payload.span) == request)
        #expect(try Wire.request(payload) == request)
    }

    @Test(arguments: requests)
    func `whatever differs in a byte is read the same by both, or by the long way alone`(request: Request) throws {
        let decoder = RequestDecoder()
        let payload = try Wire.frame(request).payload
        var others: [[UInt8]] = []
        for index in payload.indices {
            for value in 0...UInt8.max {
                var other = payload
                other[index] = value
                others.append(other)
                other = payload
                other.insert(value, at: index)
                others.append(other)
            }
            others.append(Array(payload[..<index]))
            others.append(Array(payload[index...]))
            for end in index..<payload.count {
                var other = payload
                other.removeSubrange(index...end)
                others.append(other)
            }
        }
        var read = 0
        for other in others {
            guard let set = decoder.singleSet(other.span) else { continue }
            read += 1
            if (try? Wire.request(other)) != set { Issue.record("\(other) is \(set), and the long way something else") }
        }
        #expect(read > payload.count)
    }

    @Test func `what is no set of one limit is left to the decoder`() throws {
        let one = NumericEdit(.openFiles, soft: 1)
        let others = [
            Request(id: 1, isQuestion: true, .set(.caller, EditBatch(one), lease: nil)),
            Request(id: 1, .set(.caller, EditBatch([one, NumericEdit(.nice, soft: 1)]), lease: nil)),
            Request(id: 1, .set(.caller, EditBatch(one), lease: .connection)),
            Request(id: 1, .set(.caller, EditBatch(one), lease: .duration(.seconds(9)))),
            Request(id: 1, .set(.cgroup("/a"), EditBatch(one), lease: nil)),
            Request(id: 1, .set(.pod(nil), EditBatch(one), lease: nil)),
            Request(
                id: 1, .set(.caller, EditBatch(NumericEdit(.nice, soft: 1, expecting: Limit(.infinity))), lease: nil)),
            Request(id: 1, .get(.caller, .all)), Request(id: 1, .prlimit(.caller, .openFiles, Limit(1))),
        ]
        for other in others {
            let payload = try Wire.frame(other).payload
            #expect(RequestDecoder().singleSet(payload.span) == nil)
            #expect(try Wire.request(payload) == other)
        }
    }

    @Test func `the answer is what protobuf-c makes of it, byte for byte`() throws {
        let numbers: [UInt64] = [0, 127, 128, 65536, 1 << 40, .max]
        let rules = [nil, "", "x", "web servers", "größer", String(repeating: "r", count: 90), "a\0b"]
        let longRules = [255, 256, 257, 1024, 2000].map { String(repeating: "r", count: $0) }
        for rule in rules + longRules {
            for (place, number) in numbers.enumerated() {
                let change = Change(
                    Resource.allCases[place * 3], old: Limit(soft: Limit.Bound(rawValue: number), hard: .infinity),
                    new: Limit(Limit.Bound(rawValue: number)), grantedBy: .agent(rule: rule))
                for id in [0, 1, 300, UInt64.max] {
                    let response = Response(id: id, .success(.changes([change])))
                    #expect(Wire.frame(response) == (try packed(response)))
                }
            }
        }
    }

    @Test func `a change with more to tell is told whole`() throws {
        let plain = Change(.nice, old: Limit(1), new: Limit(2), grantedBy: .agent(rule: "r"))
        var short = plain
        short.shortfall = RlimitError(.deniedByPolicy)
        var warned = plain
        warned.warnings = [.limitedByUserNamespace]
        for changes in [[short], [warned], [plain, plain], []] {
            let response = Response(id: 1, .success(.changes(changes)))
            #expect(Wire.frame(response) == (try packed(response)))
        }
        let lease = LeaseInfo(id: LeaseInfo.ID(bytes: [1]), changes: [plain], remaining: .seconds(1))
        let leased = Response(id: 1, .success(.changes([plain], lease: lease)))
        #expect(Wire.frame(leased) == (try packed(leased)))
        let more = Response(id: 1, more: true, .success(.changes([plain])))
        #expect(Wire.frame(more) == (try packed(more)))
    }

    // By the long way.
    private func packed(_ response: Response) throws -> [UInt8] {
        var arena = Arena(capacity: Arena.requestCapacity)
        let message = try response.write(to: &arena)
        var queue = ByteQueue()
        #expect(queue.appendFrame(of: &message.pointee.base, limit: Frame.greatestResponse))
        return queue.contents
    }
}
