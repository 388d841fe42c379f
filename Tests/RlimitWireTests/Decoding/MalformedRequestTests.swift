import RlimitModel
import RlimitWire
import Testing

/// Bytes that do not follow the protocol are answered MALFORMED, and the connection closes.
@Suite struct MalformedRequestTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var payload: [UInt8]
        var message: String
        var id: UInt64 = 7

        var testDescription: String { name }

        init(_ name: String, _ payload: [UInt8], _ message: String, id: UInt64 = 7) {
            (self.name, self.payload, self.message, self.id) = (name, payload, message, id)
        }
        init(_ name: String, _ rest: Message, _ message: String) {
            self.init(name, (Message.number(1, 7) + rest).bytes, message)
        }
    }

    static let get = Message.message(3)

    static let structure: [Case] = [
        Case("field number 0", Message(bytes: [0x00, 0x01]), "field number 0"),
        Case("a field number beyond 29 bits", .tag(1 << 29, 0) + Message(bytes: [1]), "field number"),
        Case("a group", .tag(3, 3) + .tag(3, 4), "wire type 3"), Case("wire type 7", .tag(1, 7), "wire type 7"),
        Case("a tag alone", get + .tag(2, 0), "ends inside a number"),
        Case("a number without an end", get + .tag(2, 0) + Message(bytes: [0x80]), "ends inside a number"),
        Case("a length beyond the message", .tag(3, 2) + Message(bytes: [1]), "beyond its message"),
        Case("a length of 2^64 - 1", .tag(3, 2) + Message(bytes: Message.varint(.max)), "beyond its message"),
        Case(
            "a field beyond its message but inside the frame",
            .message(3, .tag(1, 2) + Message(bytes: [2])) + .number(2, 5), "beyond its message"),
        Case("an unknown field beyond the message", get + .tag(77, 2) + Message(bytes: [9]), "beyond its message"),
        Case("half an unknown fixed64", get + .tag(77, 1) + Message(bytes: [1, 2, 3, 4]), "beyond its message"),
        Case("half an unknown fixed32", get + .tag(77, 5) + Message(bytes: [1, 2, 3]), "beyond its message"),
    ]

    static let numbers: [Case] = [
        Case(
            "a varint of eleven bytes", [0x08] + .init(repeating: 0xff, count: 10) + [0x01], "more than 64 bits", id: 0),
        Case("a varint of 65 bits", [0x08] + .init(repeating: 0xff, count: 9) + [0x02], "more than 64 bits", id: 0),
        Case("a padded varint", [0x08, 0x87, 0x00, 0x1a, 0x00], "more bytes than it needs", id: 0),
        Case("a padded zero", get + .tag(2, 0) + Message(bytes: [0x80, 0x80, 0x00]), "more bytes than it needs"),
        Case("a padded tag", Message(bytes: [0x9a, 0x00, 0x00]), "more bytes than it needs"),
        Case("a padded length", .tag(3, 2) + Message(bytes: [0x80, 0x00]), "more bytes than it needs"),
        Case("a timeout of 33 bits", get + .number(2, 1 << 32), "does not fit field 2 of Request"),
        Case("an enum of 32 bits", .message(5, .number(2, 1 << 31)), "does not fit field 2 of Prlimit"),
        Case("an enum of 33 bits, negative", .message(5, .number(2, 0xffff_fffe_ffff_ffff)), "does not fit field 2"),
        Case(
            "a packed enum of 32 bits", .message(3, .bytes(2, Message.varint(1 << 31))), "does not fit field 2 of Get"),
        Case("half a packed number", .message(3, .bytes(2, [1, 0x88])), "ends inside a number"),
    ]

    static let shapes: [Case] = [
        Case("id as bytes", [0x0a, 0x01, 0x05, 0x1a, 0x00], "field 1 of Request is not sent as wire type 2", id: 0),
        Case("id as fixed64", [0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0x1a, 0x00], "wire type 1", id: 0),
        Case("timeout as fixed32", get + .tag(2, 5) + Message(bytes: [0, 0, 0, 0]), "field 2 of Request"),
        Case("a message as a number", .number(3, 0), "field 3 of Request is not sent as wire type 0"),
        Case("bytes as a number", .message(3, .message(1, .number(4, 1))), "field 4 of Target"),
        Case("packed where there is one", .message(5, .bytes(2, [8])), "field 2 of Prlimit"),
        Case("id twice", .number(1, 7) + get, "a second value where field 1 of Request"),
        Case("one operation twice", get + get, "a second value where field 3 of Request"),
        Case("two operations", get + .message(10), "a second value where field 10 of Request"),
        Case("two explained", .message(7, .message(1) + .message(4)), "field 4 of Explain"),
        Case("two targets", .message(3, .message(1) + .message(1)), "field 1 of Get"),
        Case("a target that is two", .message(3, .message(1, .message(2) + .number(3, 5))), "field 3 of Target"),
        Case("soft twice", .message(4, .message(2, .edit() + .number(2, 9))), "field 2 of Edit"),
        Case("expect twice", .message(4, .message(2, .edit() + .message(5) + .message(5))), "field 5 of Edit"),
    ]

    static let sizes: [Case] = [
        Case("161 fields", .message(3, (0..<159).reduce(Message()) { all, _ in all + .number(2, 8) }), "more than 160"),
        Case("161 packed numbers", .message(3, .bytes(2, .init(repeating: 8, count: 159))), "more than 160 fields"),
        Case(
            "a frame full of edits", .message(4, Message(bytes: .init(repeating: 0x12, count: 0)) + empties),
            "more than 160"),
    ]
    private static let empties = (0..<2000).reduce(Message()) { all, _ in all + .message(2) }

    @Test(arguments: structure + numbers + shapes + sizes)
    func `Bytes that do not follow the protocol are malformed`(wrong: Case) throws {
        let fault = try #require(Wire.fault(wrong.payload))
        #expect(fault.error.code == .malformed)
        #expect(fault.error.message.contains(wrong.message), "\(fault.error.message)")
        #expect(fault.id == wrong.id)
    }

    @Test func `A request may have at most 160 fields`() throws {
        // An id, an operation and 158 resources, which are invalid for another reason.
        let most = Message.request(3, .bytes(2, .init(repeating: 8, count: 157)))
        #expect(Wire.fault(most)?.error.code == .invalidArgument)
    }

    @Test func `An unknown field is refused and the connection continues`() throws {
        let known = Message.number(1, 7) + .message(3)
        let unknown: [(Message, String)] = [
            (.number(16, 1), "field 16 of Request"), (.message(99, .text(1, "x")), "field 99 of Request"),
            (.tag(100, 1) + Message(bytes: .init(repeating: 0, count: 8)), "field 100 of Request"),
            (.tag(101, 5) + Message(bytes: .init(repeating: 0, count: 4)), "field 101 of Request"),
        ]
        for (field, name) in unknown {
            for payload in [known + field, field + known] {
                let fault = try #require(Wire.fault(payload.bytes))
                #expect(fault.id == 7 && fault.error.code == .unsupported)
                #expect(fault.error.message == "\(name) is not known to this agent, so nothing was done")
            }
        }
        let inner = Wire.fault(Message.set(.edit() + .number(9, 1)))
        #expect(inner?.error.code == .unsupported && inner?.error.message.contains("field 9 of Edit") == true)
        let operation = Wire.fault(Message.request(16))
        #expect(operation?.error.code == .unsupported && operation?.id == 7)
    }

    @Test func `An unknown field that is damaged is malformed`() {
        #expect(Wire.fault((Message.number(16, 1) + .tag(1, 7)).bytes)?.error.code == .malformed)
    }

    @Test func `An empty payload is an invalid request`() {
        #expect(Wire.fault([])?.error.code == .invalidArgument)
    }

    @Test func `A payload longer than a frame is refused`() {
        let long = Message.request(3, .message(1, .bytes(4, .init(repeating: 0x61, count: 5000))))
        #expect(Wire.fault(long)?.error.code == .malformed)
    }

    @Test func `The largest request fits in the arena`() throws {
        let edits = Resource.allCases.map {
            NumericEdit($0, soft: .infinity, hard: .infinity, mode: .clamp, expecting: Limit(.infinity))
        }
        let path = "/" + String(repeating: "p", count: 1023)
        let request = Request(
            id: .max, timeout: .seconds(3600), isExplain: true,
            .set(.cgroup(path), EditBatch(edits), lease: .duration(.seconds(1))))
        let frame = try Wire.frame(request)
        #expect(frame.count > 1850)
        #expect(try Wire.request(frame.payload) == request)
    }
}
