import CProtobufC
import RlimitModel

// Access to the descriptors that protoc-c generates, for the strict validator.

/// The type of a field.
enum FieldShape {
    /// A varint in the range of the field's type.
    case number(NumberRange)
    case text
    case bytes
    case message
    /// A type that the protocol does not use.
    case unused
}

/// The range of a numeric type.
enum NumberRange {
    case bool, uint32, int32, uint64

    func contains(_ number: UInt64) -> Bool {
        switch self {
        case .bool: number <= 1
        case .uint32: number <= UInt32.max
        // Negative numbers are encoded with 64 bits.
        case .int32: number <= Int32.max || Int64(bitPattern: number) >= Int32.min && Int64(bitPattern: number) < 0
        case .uint64: true
        }
    }
}

extension ProtobufCFieldDescriptor {
    var isRepeated: Bool { unsafe label == PROTOBUF_C_LABEL_REPEATED }
    var isInOneof: Bool { unsafe flags & PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue != 0 }

    /// Whether both are members of one oneof: such members share the case field.
    func sharesOneof(with other: UnsafePointer<ProtobufCFieldDescriptor>) -> Bool {
        unsafe isInOneof && other.pointee.isInOneof && quantifier_offset == other.pointee.quantifier_offset
    }

    var shape: FieldShape {
        switch unsafe type {
        case PROTOBUF_C_TYPE_BOOL: return .number(.bool)
        case PROTOBUF_C_TYPE_UINT32: return .number(.uint32)
        case PROTOBUF_C_TYPE_UINT64: return .number(.uint64)
        case PROTOBUF_C_TYPE_INT32, PROTOBUF_C_TYPE_ENUM: return .number(.int32)
        case PROTOBUF_C_TYPE_STRING: return .text
        case PROTOBUF_C_TYPE_BYTES: return .bytes
        case PROTOBUF_C_TYPE_MESSAGE: return .message
        default: return .unused
        }
    }

    /// The descriptor of the message in the field. Only valid for `.message`, for which protoc-c sets it.
    var inner: UnsafePointer<ProtobufCMessageDescriptor>? {
        unsafe descriptor?.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
    }
}

extension UnsafePointer<ProtobufCMessageDescriptor> {
    /// For example "field 9 of Edit".
    func name(ofField number: UInt32) -> String {
        let message = unsafe pointee.short_name.map { name in unsafe String(cString: name) }
        return "field \(number) of \(message ?? "a message")"
    }
}

extension RlimitError {
    static func tooLarge(field: UInt32, of message: UnsafePointer<ProtobufCMessageDescriptor>) -> RlimitError {
        unsafe .malformed("a number that does not fit \(message.name(ofField: field))")
    }
}
