import RlimitModel
import RlimitWire
import Testing

@Suite struct RequestEncoderTests {
    @Test func `A request that the protocol cannot express is not sent`() {
        let set = EditBatch([NumericEdit(.openFiles, soft: 1)])
        let unsayable: [Request] = [
            Request(id: 1, isExplain: true, .serverInfo), Request(id: 1, isExplain: true, .leaseList),
            Request(id: 1, .leaseRelease(LeaseInfo.ID(bytes: []))),
            Request(id: 1, .leaseRelease(LeaseInfo.ID(bytes: .init(repeating: 0, count: 65)))),
            Request(id: 1, .set(.caller, set, lease: .duration(.zero))),
            Request(id: 1, .set(.caller, set, lease: .duration(.seconds(-1)))),
            Request(id: 1, .leaseRenew(LeaseInfo.ID(bytes: [1]), .duration(.seconds(Int64.max)))),
            Request(id: 1, .get(.cgroup("/" + String(repeating: "a", count: 5000)), .all)),
            Request(id: 1, .get(.pod("/" + String(repeating: "a", count: 50_000)), .all)),
        ]
        for request in unsayable {
            var encoder = RequestEncoder()
            var queue = ByteQueue()
            queue.append([9].span)
            let error = #expect(throws: RlimitError.self) { try encoder.encode(request, into: &queue) }
            #expect(error?.code == .invalidArgument)
            #expect(queue.contents == [9])
        }
    }

    @Test func `A timeout is rounded up and never becomes unlimited`() throws {
        func sent(_ timeout: Duration) throws -> Duration? {
            try Wire.request(Wire.frame(Request(id: 1, timeout: timeout, .serverInfo)).payload).timeout
        }
        #expect(try sent(.zero) == .milliseconds(1))
        #expect(try sent(.seconds(-5)) == .milliseconds(1))
        #expect(try sent(.microseconds(1001)) == .milliseconds(2))
        #expect(try sent(.seconds(3600)) == .seconds(3600))
        #expect(try sent(.seconds(3601)) == nil)
        #expect(try sent(.seconds(Int64.max)) == nil)
    }

    @Test(arguments: [Int32.min, -1, 0, 1, 4_194_305, .max])
    func `A wrong process id is also refused by the agent`(pid: Int32) throws {
        let frame = try Wire.frame(Request(id: 1, .get(.pid(pid), .all)))
        #expect(Wire.fault(frame.payload)?.error.code == .invalidArgument)
    }
}
