import RlimitModel
import Testing

@testable import RlimitWire

/// A repeated message is not decoded again, and a different message is never mistaken for it.
@Suite struct GetDecodeCacheTests {
    private static let gets = [
        Request(id: 1, .get(.caller, ResourceSet([.openFiles]))), Request(id: 1, .get(.caller, .all)),
        Request(id: 1, timeout: .seconds(5), .get(.pid(77), ResourceSet([.openFiles]))),
        Request(id: 1, .get(.pid(78), ResourceSet([.openFiles, .stackSize]))),
    ]

    @Test(arguments: [1, 127, 128, 1 << 32, UInt64(1) << 62, .max])
    func `A get that repeats the last one is recognized with a new id`(id: UInt64) throws {
        for get in Self.gets {
            var decoder = RequestDecoder()
            let first = try Wire.frame(get).payload
            #expect(decoder.repeatedGet(first.span) == nil)
            #expect(try decoder.decode(first.span) == get)
            var again = get
            again.id = id
            let payload = try Wire.frame(again).payload
            // An id of ten bytes is not recognized by the cache.
            if id < 1 << 63 { #expect(decoder.repeatedGet(payload.span)?.request == again) }
            #expect(try decoder.decode(payload.span) == again)
        }
    }

    @Test func `A get that differs in one byte is not a repetition`() throws {
        for get in Self.gets {
            var decoder = RequestDecoder()
            let payload = try Wire.frame(get).payload
            _ = try decoder.decode(payload.span)
            for index in payload.indices.dropFirst(2) {
                for bit in 0..<8 {
                    var other = payload
                    other[index] ^= 1 << bit
                    #expect(decoder.repeatedGet(other.span) == nil, "byte \(index), bit \(bit)")
                }
            }
            for count in 0..<payload.count { #expect(decoder.repeatedGet(Array(payload[0..<count]).span) == nil) }
            #expect(decoder.repeatedGet((payload + [0]).span) == nil)
        }
    }

    @Test func `A request that is not a plain get is never stored`() throws {
        let others = [
            Request(id: 1, isExplain: true, .get(.caller, .all)), Request(id: 1, .get(.attachedPidfd, .all)),
            Request(id: 1, .get(.cgroup("/a"), .all)), Request(id: 1, .usage(.caller, .process)),
            Request(id: 1, .prlimit(.caller, .openFiles, Limit(1))), Request(id: 1, .serverInfo),
        ]
        for other in others {
            var decoder = RequestDecoder()
            let payload = try Wire.frame(other).payload
            _ = try decoder.decode(payload.span)
            #expect(decoder.repeatedGet(payload.span) == nil)
        }
    }

    @Test(arguments: [
        [0x08], [0x08, 0x80], [0x08, 0x80, 0x00], [0x10, 0x01], [], [UInt8](repeating: 0xff, count: 40),
    ])
    func `A message with an invalid id is left to the decoder`(payload: [UInt8]) throws {
        var decoder = RequestDecoder()
        _ = try decoder.decode(Wire.frame(Self.gets[0]).payload.span)
        #expect(decoder.repeatedGet(payload.span) == nil)
    }

    @Test func `A cached response has the bytes that the encoder would write`() throws {
        var encoder = ResponseEncoder()
        var numbers: [UInt64] = [0, 1, 127, 128, 65536, 1 << 40, .max - 1, .max]
        numbers += numbers.reversed()
        for soft in numbers {
            for (resource, id) in [(Resource.openFiles, UInt64(1)), (.nice, 300), (.realtimeTimeout, .max), (.nice, 0)]
            {
                let limit = Limit(soft: Limit.Bound(soft), hard: .infinity)
                var limits = Limits()
                limits[resource] = limit
                for _ in 0..<2 {
                    var short = ByteQueue()
                    encoder.encode(limits[resource], of: resource, id: id, into: &short)
                    var long = ByteQueue()
                    encoder.encode(Response(id: id, .success(.limits(ResourceSet([resource]), limits))), into: &long)
                    #expect(short.contents == long.contents)
                }
            }
        }
    }

    @Test func `A response that repeats the last one is read the same, and another one is decoded`() throws {
        var decoder = ResponseDecoder()
        let limits = ResourceSet([.openFiles])
        func response(_ id: UInt64, _ soft: Limit.Bound, more: Bool = false) -> Response {
            var all = Limits()
            all[.openFiles] = Limit(soft: soft, hard: 9)
            return Response(id: id, more: more, .success(.limits(limits, all)))
        }
        let responses = [
            response(1, 5), response(2, 5), response(300, 5), response(3, 6), response(4, 5), response(.max, 5),
            response(5, 5, more: true), response(6, 5), Response(id: 7, .failure(RlimitError(.conflict))),
            response(8, 5),
        ]
        for response in responses {
            let read = try decoder.decode(Wire.frame(response).payload.span)
            #expect(read.id == response.id && read.more == response.more)
            switch (read.outcome, response.outcome) {
            case (.success(.limits(limits, let got)), .success(.limits(limits, let sent))):
                #expect(got[.openFiles] == sent[.openFiles])
            case (.failure(let got), .failure(let sent)): #expect(got.code == sent.code)
            default: Issue.record("\(read) is not \(response)")
            }
        }
    }
}
