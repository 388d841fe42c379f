import CProtobufC
import RlimitModel

/// Reads a message once, before protobuf-c does, and refuses what protobuf-c would let pass.
///
/// protobuf-c does not bound depth, takes the last of several values, cuts numbers that do not fit, reads varints of eleven
/// bytes and loses what follows a NUL. The descriptors that protoc-c generated drive this, so it knows the contract without
/// a table of its own.
struct StrictValidator {
    /// How much a message may hold.
    struct Rules {
        /// Messages below the outermost.
        var depth: Int
        /// Fields in all messages together; each element of a packed list counts.
        var fields: Int
        /// Messages in one list.
        var list: Int

        /// What the agent reads: four below Request is Explain, Set, Edit, Limit.
        static let request = Rules(depth: 4, fields: 160, list: EditBatch.capacity)
        /// What a client reads.
        static let response = Rules(depth: 8, fields: 32768, list: .max)
    }

    /// The value of field 1 of the outermost message, which is the id of both kinds; 0 until it was read.
    private(set) var id: UInt64 = 0
    /// The first field that the contract, as this program knows it, does not have: "field 9 of Edit".
    private(set) var unknownField: String?
    /// Some list of messages is longer than the rules say.
    private(set) var hasLongList = false
    private let rules: Rules
    private var fields = 0

    init(_ rules: Rules) { self.rules = rules }

    /// - Throws: `.malformed`.
    mutating func validate(
        _ bytes: borrowing Span<UInt8>, as message: UnsafePointer<ProtobufCMessageDescriptor>
    ) throws(RlimitError) {
        try unsafe validate(bytes, 0..<bytes.count, as: message, depth: 0)
    }

    private mutating func validate(
        _ bytes: borrowing Span<UInt8>, _ range: Range<Int>, as message: UnsafePointer<ProtobufCMessageDescriptor>,
        depth: Int
    ) throws(RlimitError) {
        guard depth <= rules.depth else { throw .malformed("more than \(rules.depth) messages inside each other") }
        var cursor = WireCursor(range)
        var seen = FieldSet()
        var listed = 0
        while !cursor.isAtEnd {
            try countField()
            let tag = try cursor.tag(in: bytes)
            guard let field = unsafe protobuf_c_message_descriptor_get_field(message, tag.number) else {
                if unknownField == nil { unsafe unknownField = message.name(ofField: tag.number) }
                try cursor.skip(tag.kind, in: bytes)
                continue
            }
            if unsafe !field.pointee.isRepeated {
                guard unsafe seen.insert(field, of: message) else {
                    throw unsafe .malformed("a second value where \(message.name(ofField: tag.number)) has one already")
                }
            }
            switch (unsafe field.pointee.shape, tag.kind) {
            case (.number(let range), .varint):
                let number = try cursor.varint(in: bytes)
                guard range.contains(number) else { throw unsafe .tooLarge(field: tag.number, of: message) }
                if depth == 0 && tag.number == 1 { id = number }
            case (.number(let range), .lengthPrefixed) where unsafe field.pointee.isRepeated:
                var packed = WireCursor(try cursor.body(in: bytes))
                while !packed.isAtEnd {
                    try countField()
                    guard range.contains(try packed.varint(in: bytes)) else {
                        throw unsafe .tooLarge(field: tag.number, of: message)
                    }
                }
            case (.text, .lengthPrefixed):
                for index in try cursor.body(in: bytes) where bytes[index] == 0 {
                    throw unsafe .malformed("a NUL in \(message.name(ofField: tag.number))")
                }
            case (.bytes, .lengthPrefixed):
                _ = try cursor.body(in: bytes)
            case (.message, .lengthPrefixed):
                guard let inner = unsafe field.pointee.inner else { throw .malformed("a message without a descriptor") }
                if unsafe field.pointee.isRepeated { listed += 1 }
                if listed > rules.list { hasLongList = true }
                try unsafe validate(bytes, try cursor.body(in: bytes), as: inner, depth: depth + 1)
            default:
                throw unsafe .malformed(
                    "\(message.name(ofField: tag.number)) is not sent as wire type \(tag.kind.rawValue)")
            }
        }
    }

    private mutating func countField() throws(RlimitError) {
        fields += 1
        guard fields <= rules.fields else { throw .malformed("more than \(rules.fields) fields") }
    }
}

/// The fields of one message that have a value already.
private struct FieldSet {
    // One bit each, by the place in the descriptor; the contract's longest message has eighteen.
    private var bits: UInt64 = 0

    /// False if the field, or another of its oneof, was inserted before.
    mutating func insert(
        _ field: UnsafePointer<ProtobufCFieldDescriptor>, of message: UnsafePointer<ProtobufCMessageDescriptor>
    ) -> Bool {
        guard let first = unsafe message.pointee.fields else { return false }
        let bit = UInt64(1) << UInt64(unsafe field - first)
        defer { bits |= bit }
        guard unsafe field.pointee.isInOneof else { return bits & bit == 0 }
        // Of those that there are, which are few, and not of all that the message may have.
        var others = bits
        while others != 0 {
            guard unsafe !first[others.trailingZeroBitCount].sharesOneof(with: field) else { return false }
            others &= others - 1
        }
        return true
    }
}
