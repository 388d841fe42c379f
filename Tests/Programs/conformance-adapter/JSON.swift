/// A JSON value. Numbers are integers from 0 to 2^64 - 1.
enum JSON: Codable {
    case null
    case bool(Bool)
    case number(UInt64)
    /// A negative number, a fraction, or a number above 2^64 - 1.
    case otherNumber(Double)
    case text(String)
    case list([JSON])
    case object([String: JSON])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(UInt64.self) {
            self = .number(value)
        } else if let value = try? container.decode(Double.self) {
            self = .otherNumber(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSON].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSON].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .otherNumber(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .list(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }

    subscript(key: String) -> JSON? {
        guard case .object(let members) = self, let value = members[key] else { return nil }
        if case .null = value { return nil }
        return value
    }

    var text: String? { if case .text(let value) = self { value } else { nil } }
    var list: [JSON]? { if case .list(let value) = self { value } else { nil } }
    var number: UInt64? { if case .number(let value) = self { value } else { nil } }
    var isTrue: Bool { if case .bool(true) = self { true } else { false } }

    /// An object without the members that are nil.
    static func members(_ members: [String: JSON?]) -> JSON { .object(members.compactMapValues(\.self)) }
}
