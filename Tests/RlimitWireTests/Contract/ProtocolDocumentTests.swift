import RlimitModel
import RlimitWire
import Testing

/// PROTOCOL.md agrees with the implementation.
@Suite struct ProtocolDocumentTests {
    @Test func `There are examples of requests and responses`() {
        #expect(ProtocolDocument.examples.count { $0.isRequest } >= 6)
        #expect(ProtocolDocument.examples.count { !$0.isRequest } >= 4)
    }

    @Test(arguments: ProtocolDocument.examples)
    func `The example bytes are decoded and encoded`(example: ProtocolDocument.Example) throws {
        let limit = example.isRequest ? Frame.maxRequestLength : Frame.maxResponseLength
        #expect(try Frame.payload(in: example.frame.span, from: 0, limit: limit) == 4..<example.frame.count)
        if example.isRequest {
            #expect(try Wire.frame(Wire.request(example.frame.payload)) == example.frame)
        } else {
            #expect(try Wire.frame(Wire.response(example.frame.payload)) == example.frame)
        }
    }

    @Test(arguments: ProtocolDocument.examples)
    func `The example bytes are those of Google's protobuf`(example: ProtocolDocument.Example) throws {
        #expect(try Protoc.encode(example.text, as: example.message) == example.frame.payload)
    }

    @Test func `The bounds in the document are those of the code`() throws {
        let code = [
            Frame.headerLength, Frame.maxRequestLength, Frame.maxResponseLength, Frame.maxRequestsInFlight,
            EditBatch.capacity,
            4, 160, 8, 32768, 2, Int(Request.maxPID), Int(RequestBounds.maxTimeoutMilliseconds),
            Int(RequestBounds.maxLeaseMilliseconds), RequestBounds.maxLeaseIDLength, RequestBounds.maxPathLength, 1024,
            8192,
        ]
        let rows = ProtocolDocument.table("Limits")
        #expect(try rows.map { try #require(Int($0[1])) } == code)
    }

    @Test func `The feature names in the document are those of the code`() {
        let words = ProtocolDocument.table("Feature words").map { $0[0].filter { $0 != "`" } }
        #expect(words == Feature.allCases.map(\.rawValue))
    }

    @Test func `The error codes in the document are those of the protocol`() throws {
        let errnos: [String: Int32] = [
            "EPERM": 1, "ENOENT": 2, "ESRCH": 3, "EIO": 5, "EBADF": 9, "EAGAIN": 11, "EINVAL": 22, "EPROTO": 71,
            "EOPNOTSUPP": 95, "ETIMEDOUT": 110, "EDQUOT": 122,
        ]
        let rows = ProtocolDocument.table("Errors")
        #expect(rows.count == 17)
        for row in rows {
            let number = try #require(UInt64(row[1]))
            let response = try Wire.response(Message.response(3, .number(1, number)))
            guard case .failure(let error) = response.outcome else { continue }
            // DENIED_BY_POLICY corresponds to deniedByPolicy.
            let name = row[0] == "INTERNAL" ? "INTERNAL_ERROR" : row[0]
            #expect(name.filter { $0 != "_" }.lowercased() == error.code.rawValue.lowercased())
            #expect(errnos[row[2]] == error.code.errno)
        }
    }

    @Test func `Google's protobuf reads every form of message`() throws {
        // To text and back gives the same bytes, because both write fields by number. One frame of each operation and
        // outcome.
        var seen: Set<String> = []
        for request in Samples.requests {
            let payload = try Wire.frame(request).payload
            let text = try Protoc.decode(payload, as: "Request")
            guard seen.insert("\(text.split(separator: "\n").map { $0.prefix { $0 != ":" } })").inserted else {
                continue
            }
            #expect(try Protoc.encode(text, as: "Request") == payload)
        }
        for response in Samples.responses {
            let payload = Wire.frame(response).payload
            #expect(try Protoc.encode(Protoc.decode(payload, as: "Response"), as: "Response") == payload)
        }
    }
}
