import RlimitModel
import RlimitWire

/// The bytes of requests, valid and invalid.
enum RequestBytes {
    /// The frame of a request.
    static func frame(_ operation: Request.Operation, id: UInt64 = 1, timeout: Duration? = nil) throws -> [UInt8] {
        var encoder = RequestEncoder()
        var output = ByteQueue()
        try encoder.encode(Request(id: id, timeout: timeout, operation), into: &output)
        return output.withBytes { bytes in bytes.indices.map { bytes[$0] } }
    }

    /// A request with id 1 to raise the open files of a process to at least 1, which changes nothing. The pid is sent
    /// unchecked.
    static func set(processNumber: UInt64) -> [UInt8] {
        let target = field(1, field(3, processNumber))
        let edit = field(2, field(1, 8) + field(2, 1) + field(4, 1))
        return frame(of: field(1, 1) + field(4, target + edit))
    }

    /// A request with id 1 to read the limits of a process by pid, which is sent unchecked.
    static func get(processNumber: UInt64) -> [UInt8] {
        frame(of: field(1, 1) + field(3, field(1, field(3, processNumber))))
    }

    /// The error in the frame of a response; nil if the response is a success.
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
