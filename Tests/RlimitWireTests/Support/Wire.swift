import RlimitModel
import RlimitWire
import Testing

/// Encoding and decoding with arrays of bytes, for tests.
enum Wire {
    /// The frame of a request.
    static func frame(_ request: Request) throws(RlimitError) -> [UInt8] {
        var encoder = RequestEncoder()
        var queue = ByteQueue()
        try encoder.encode(request, into: &queue)
        return queue.contents
    }

    /// The frame of a response.
    static func frame(_ response: Response) -> [UInt8] {
        var encoder = ResponseEncoder()
        var queue = ByteQueue()
        encoder.encode(response, into: &queue)
        return queue.contents
    }

    /// The request of a payload.
    static func request(_ payload: [UInt8]) throws(RequestFault) -> Request {
        var decoder = RequestDecoder()
        return try decoder.decode(payload.span)
    }

    /// The response of a payload.
    static func response(_ payload: [UInt8]) throws(RlimitError) -> Response {
        var decoder = ResponseDecoder()
        return try decoder.decode(payload.span)
    }

    /// The frames of a response that is longer than a frame.
    static func parts(_ response: Response) throws -> [Response] {
        var decoder = ResponseDecoder()
        let stream = frame(response)
        var parts: [Response] = []
        var position = 0
        while let payload = try Frame.payload(in: stream.span, from: position, limit: Frame.maxResponseLength) {
            parts.append(try decoder.decode(stream[payload].span))
            position = payload.upperBound
        }
        #expect(position == stream.count)
        return parts
    }

    /// The error of a payload that is not a request; nil if it is one.
    static func fault(_ payload: [UInt8]) -> RequestFault? {
        do throws(RequestFault) {
            _ = try request(payload)
            return nil
        } catch {
            return error
        }
    }
}

extension ByteQueue {
    var contents: [UInt8] { withUnsafeBytes { Array($0) } }
}

extension [UInt8] {
    /// The message of a frame.
    var payload: [UInt8] { Array(dropFirst(Frame.headerLength)) }

    /// A frame around a message of any length.
    var framed: [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } + self
    }
}

/// Protobuf bytes written by hand, including bytes that no encoder writes.
struct Message {
    var bytes: [UInt8] = []

    static func varint(_ value: UInt64) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static func + (left: Message, right: Message) -> Message { Message(bytes: left.bytes + right.bytes) }

    static func tag(_ field: UInt64, _ kind: UInt64) -> Message { Message(bytes: varint(field << 3 | kind)) }
    static func number(_ field: UInt64, _ value: UInt64) -> Message {
        tag(field, 0) + Message(bytes: varint(value))
    }
    static func bytes(_ field: UInt64, _ bytes: [UInt8]) -> Message {
        tag(field, 2) + Message(bytes: varint(UInt64(bytes.count)) + bytes)
    }
    static func text(_ field: UInt64, _ text: String) -> Message { bytes(field, Array(text.utf8)) }
    static func message(_ field: UInt64, _ inner: Message = Message()) -> Message { bytes(field, inner.bytes) }

    /// A request with id 7 and one operation.
    static func request(_ operation: UInt64, _ inner: Message = Message()) -> [UInt8] {
        (number(1, 7) + message(operation, inner)).bytes
    }
    /// A response with id 7 and one outcome.
    static func response(_ outcome: UInt64, _ inner: Message = Message()) -> [UInt8] {
        request(outcome, inner)
    }
    /// A set of edits.
    static func set(_ edits: Message...) -> [UInt8] {
        request(4, edits.reduce(Message()) { $0 + message(2, $1) })
    }
    /// An edit or a part of one.
    static func edit(
        resource: UInt64? = 8, soft: UInt64? = 1024, hard: UInt64? = nil, mode: UInt64? = nil, expect: Message? = nil
    ) -> Message {
        var edit = Message()
        if let resource { edit = edit + number(1, resource) }
        if let soft { edit = edit + number(2, soft) }
        if let hard { edit = edit + number(3, hard) }
        if let mode { edit = edit + number(4, mode) }
        if let expect { edit = edit + message(5, expect) }
        return edit
    }
    static func limit(_ soft: UInt64, _ hard: UInt64) -> Message { number(1, soft) + number(2, hard) }
}
