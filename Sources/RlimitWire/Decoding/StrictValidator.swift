import CProtobufC
import RlimitModel

/// Validates a message before protobuf-c unpacks it, and rejects what protobuf-c would accept.
///
/// protobuf-c does not bound the depth, takes the last of several values, truncates numbers that do not fit, reads
/// varints of eleven bytes, and drops the text after a NUL. The descriptors from protoc-c drive the validation, so it
/// needs no table of its own.
struct StrictValidator {
    /// Bounds for a message.
    struct Rules {
        /// Maximum nesting of messages below the outermost.
        var depth: Int
        /// Maximum number of fields in all messages together. Each element of a packed list counts.
        var fields: Int
        /// Maximum number of messages in one list.
        var list: Int

        /// For the agent. Four levels below Request: Explain, Set, Edit, Limit.
        static let request = Rules(depth: 4, fields: 160, list: EditBatch.capacity)
        /// For a client.
        static let response = Rules(depth: 8, fields: 32768, list: .max)
    }

    /// The value of field 1 of the outermost message, the id of a request or response; 0 until it is read.
    private(set) var id: UInt64 = 0
    /// The first field that this version of the protocol does not have, for example "field 9 of Edit".
    private(set) var unknownField: String?
    /// Whether a list of messages is longer than the rules permit.
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
    // One bit per field, by its index in the descriptor. The largest message of the protocol has twenty fields.
    private var bits: UInt64 = 0

    /// Returns false if the field, or another member of its oneof, was inserted before.
    mutating func insert(
        _ field: UnsafePointer<ProtobufCFieldDescriptor>, of message: UnsafePointer<ProtobufCMessageDescriptor>
    ) -> Bool {
        guard let first = unsafe message.pointee.fields else { return false }
        let bit = UInt64(1) << UInt64(unsafe field - first)
        defer { bits |= bit }
        guard unsafe field.pointee.isInOneof else { return bits & bit == 0 }
        // Iterates over the few fields seen so far and not over all fields of the message.
        var others = bits
        while others != 0 {
            guard unsafe !first[others.trailingZeroBitCount].sharesOneof(with: field) else { return false }
            others &= others - 1
        }
        return true
    }
}
