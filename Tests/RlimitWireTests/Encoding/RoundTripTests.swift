import RlimitModel
import RlimitWire
import Testing

@Suite struct RoundTripTests {
    @Test func `Every request survives encoding and decoding`() throws {
        for request in Samples.requests {
            let frame = try Wire.frame(request)
            #expect(try Frame.payload(in: frame.span, from: 0, limit: Frame.maxRequestLength) == 4..<frame.count)
            #expect(try Wire.request(frame.payload) == request)
        }
    }

    @Test func `Every response survives encoding and decoding`() throws {
        for response in Samples.responses {
            let frame = Wire.frame(response)
            #expect(try Frame.payload(in: frame.span, from: 0, limit: Frame.maxResponseLength) == 4..<frame.count)
            #expect(try Wire.response(frame.payload) == response)
        }
    }

    @Test func `One encoder and decoder handle many messages`() throws {
        var encoder = RequestEncoder()
        var decoder = RequestDecoder()
        var queue = ByteQueue()
        for _ in 0..<3 {
            for request in Samples.requests { try encoder.encode(request, into: &queue) }
        }
        let stream = queue.contents
        var position = 0
        for _ in 0..<3 {
            for request in Samples.requests {
                let payload = try #require(
                    try Frame.payload(in: stream.span, from: position, limit: Frame.maxRequestLength))
                #expect(try decoder.decode(stream[payload].span) == request)
                position = payload.upperBound
            }
        }
        #expect(position == stream.count)
    }

    @Test func `Frames that arrive byte by byte are the same`() throws {
        var decoder = RequestDecoder()
        var input = ByteQueue()
        var answers: [Request] = []
        for byte in try Samples.requests.prefix(60).flatMap({ try Wire.frame($0) }) {
            input.append([byte].span)
            let used = try input.withBytes { bytes throws in
                guard let payload = try Frame.payload(in: bytes, from: 0, limit: Frame.maxRequestLength) else {
                    return 0
                }
                answers.append(try decoder.decode(bytes.extracting(payload)))
                return payload.upperBound
            }
            input.consume(used)
        }
        #expect(answers == Array(Samples.requests.prefix(60)) && input.count == 0)
    }

    @Test func `A truncated request never traps`() throws {
        for request in Samples.requests {
            let payload = try Wire.frame(request).payload
            for count in 0..<payload.count {
                // A cut between two fields may leave a request, but never this one.
                if let other = try? Wire.request(Array(payload.prefix(count))) { #expect(other != request) }
            }
        }
    }

    @Test func `A truncated response never traps`() throws {
        for response in Samples.responses {
            let payload = Wire.frame(response).payload
            for count in 0..<payload.count {
                if let other = try? Wire.response(Array(payload.prefix(count))) { #expect(other != response) }
            }
        }
    }
}
