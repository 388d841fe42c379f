/// The error code of a response, read without the code under test.
struct ResponseBytes {
    /// `ERROR_CODE_MALFORMED`
    static let malformed: UInt64 = 16
    /// `ERROR_CODE_UNSUPPORTED`
    static let unsupported: UInt64 = 15

    /// The code of the error; nil if the response is a success.
    let errorCode: UInt64?

    init(_ payload: [UInt8]) throws {
        let error = try Self.fields(payload)[3]?.bytes
        errorCode = try error.flatMap { try Self.fields($0)[1]?.number }
    }

    private struct Field {
        var number: UInt64?
        var bytes: [UInt8] = []
    }

    // The last value of each field number. The protocol has only varints and length-delimited fields.
    private static func fields(_ payload: [UInt8]) throws -> [UInt64: Field] {
        var rest = payload[...]
        var found: [UInt64: Field] = [:]
        while !rest.isEmpty {
            let key = try varint(&rest), value = try varint(&rest)
            switch key & 7 {
            case 0: found[key >> 3] = Field(number: value)
            case 2 where value <= rest.count:
                found[key >> 3] = Field(bytes: Array(rest.prefix(Int(value))))
                rest = rest.dropFirst(Int(value))
            default: throw ChildProcess.Failure(description: "not a protobuf message: \(payload)")
            }
        }
        return found
    }

    private static func varint(_ rest: inout ArraySlice<UInt8>) throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { break }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw ChildProcess.Failure(description: "a truncated varint")
    }
}
