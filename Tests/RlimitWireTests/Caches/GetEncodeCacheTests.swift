import RlimitModel
import RlimitWire
import Testing

@Suite("Encoding a repeated get") struct GetEncodeCacheTests {
    private static let ids: [UInt64] = [1, 2, 127, 128, 16383, 16384, 1 << 35, .max, 3]
    private static let timeouts: [Duration?] = [
        nil, .zero, .milliseconds(127), .milliseconds(128), .seconds(5), .seconds(3600), .seconds(3601),
    ]
    private static let operations: [Request.Operation] = [
        .get(.caller, .all), .get(.pid(4242), .all), .get(.pid(4243), .all), .get(.pid(-1), .all),
        .get(.attachedPidfd, .all), .get(.attachedPidfd, ResourceSet([.openFiles])), .get(.caller, .none),
        .get(.cgroup("/a"), .all), .get(.cgroup(nil), .all), .get(.pod(nil), .all), .usage(.caller, .process),
        .get(.cgroup("/" + String(repeating: "a", count: 100)), .all), .serverInfo,
    ]

    @Test("A repeated get has the same bytes as a newly encoded one, for every id and timeout")
    func sameBytes() throws {
        for operation in Self.operations {
            var encoder = RequestEncoder()
            for id in Self.ids {
                for timeout in Self.timeouts {
                    let request = Request(id: id, timeout: timeout, operation)
                    #expect(try Self.bytes(request, &encoder) == Wire.frame(request), "\(request)")
                }
            }
        }
    }

    @Test("A repeated get is not confused with another get or with its explain")
    func notMixedUp() throws {
        var encoder = RequestEncoder()
        for before in Self.operations {
            for after in Self.operations {
                _ = try Self.bytes(Request(id: 1, before), &encoder)
                let request = Request(id: 2, timeout: .seconds(1), after)
                #expect(try Self.bytes(request, &encoder) == Wire.frame(request), "\(before), \(after)")
            }
        }
        let question = Request(id: 3, isExplain: true, .get(.caller, .all))
        _ = try Self.bytes(Request(id: 2, .get(.caller, .all)), &encoder)
        #expect(try Self.bytes(question, &encoder) == Wire.frame(question))
    }

    private static func bytes(
        _ request: Request, _ encoder: inout RequestEncoder
    ) throws(RlimitError) -> [UInt8] {
        var queue = ByteQueue()
        try encoder.encode(request, into: &queue)
        return queue.contents
    }
}
