/// A response of the agent, as far as these tests read it by themselves: a second opinion on the bytes.
struct ResponseBytes {
    /// `ERROR_CODE_MALFORMED`
    static let malformed: UInt64 = 16
    /// `ERROR_CODE_UNSUPPORTED`
    static let unsupported: UInt64 = 15

    /// The code of the error in it; nil where it holds none.
    let errorCode: UInt64?

    init(_ payload: [UInt8]) throws {
        let error = try Self.fields(payload)[3]?.bytes
        errorCode = try error.flatMap { try Self.fields($0)[1]?.number }
    }

    private struct Field {
        var number: UInt64?
        var bytes: [UInt8] = []
    }

    // Of each field number the last value: varints and length-delimited ones, which is all that the contract has.
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
            default: throw ChildProcess.Failure(description: "no protobuf: \(payload)")
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
        throw ChildProcess.Failure(description: "a varint without an end")
    }
}
