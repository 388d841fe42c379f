import CTestKernel
import Foundation
import RlimitModel
import RlimitWire

// What no client of good will does.
extension RawConnection {
    /// A connection that the kernel says is of another user: `uid` is the effective one while it connects.
    convenience init(to path: String, asUser uid: UInt32) throws {
        let changed = tk_set_effective_uid_of_thread(uid)
        defer { _ = tk_set_effective_uid_of_thread(0) }
        guard changed == 0 else { throw Self.failure("setresuid") }
        try self.init(to: path)
    }

    /// Sends bytes with descriptors attached to the first of them.
    func send(_ bytes: [UInt8], with descriptors: [Int32]) throws {
        let sent = tk_send_descriptors(descriptor, bytes, bytes.count, descriptors, descriptors.count)
        guard sent == bytes.count else { throw Self.failure("sendmsg") }
    }

    /// Sends as much as the socket takes at once; false if that was not all.
    func sendWithoutWaiting(_ bytes: [UInt8]) -> Bool {
        Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) == bytes.count
    }

    /// The next response, taken apart; nil when the agent has closed the connection.
    func decodedResponse() throws -> Response? {
        var decoder = ResponseDecoder()
        return try response().map { try decoder.decode($0.span) }
    }

    /// The error of the next response; nil where it is none.
    func nextError() throws -> RlimitError? {
        guard case .failure(let error) = try decodedResponse()?.outcome else { return nil }
        return error
    }
}

/// Requests as bytes.
enum RequestBytes {
    /// The frame of a request.
    static func frame(_ operation: Request.Operation, id: UInt64 = 1) throws -> [UInt8] {
        var encoder = RequestEncoder()
        var output = ByteQueue()
        try encoder.encode(Request(id: id, operation), into: &output)
        return output.withBytes { bytes in bytes.indices.map { bytes[$0] } }
    }

    /// A request, id 1, to raise the open files of a process to at least 1: the number goes out as it is, right or wrong,
    /// and nothing would come of it.
    static func set(processNumber: UInt64) -> [UInt8] {
        let target = field(1, field(3, processNumber))
        let edit = field(2, field(1, 8) + field(2, 1) + field(4, 1))
        return frame(of: field(1, 1) + field(4, target + edit))
    }

    /// A request, id 1, to read the limits of a process by its number.
    static func get(processNumber: UInt64) -> [UInt8] {
        frame(of: field(1, 1) + field(3, field(1, field(3, processNumber))))
    }

    /// The error that a response's frame carries; nil where it is none.
    static func error(inFrame bytes: [UInt8]) throws -> RlimitError? {
        var decoder = ResponseDecoder()
        guard bytes.count > 4, case .failure(let error) = try decoder.decode(Array(bytes[4...]).span).outcome else {
            return nil
        }
        return error
    }

    static func frame(of payload: [UInt8]) -> [UInt8] {
        let count = UInt32(payload.count)
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) } + payload
    }

    private static func field(_ number: UInt64, _ value: UInt64) -> [UInt8] { varint(number << 3) + varint(value) }
    private static func field(_ number: UInt64, _ body: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(UInt64(body.count)) + body
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
