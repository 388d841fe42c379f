import CTomlPlusPlus

/// A value of a TOML text with its location. A copy that does not depend on the memory of the parser.
struct TomlNode {
    var location: SourceLocation
    var value: Value

    enum Value {
        case table([TomlEntry])
        case array([TomlNode])
        case string(String)
        case integer(Int64)
        case float(Double)
        case boolean(Bool)
        case time
    }

    /// The type in words: "a string".
    var kind: String {
        switch value {
        case .table: "a table"
        case .array: "a list"
        case .string: "a string"
        case .integer: "a whole number"
        case .float: "a number with a fraction"
        case .boolean: "true or false"
        case .time: "a date or time"
        }
    }
}

/// A key and its value.
struct TomlEntry {
    var key: String
    var keyLocation: SourceLocation
    var node: TomlNode
}

/// A line and a column, both from 1.
struct SourceLocation: Hashable, Comparable {
    var line: Int
    var column: Int

    static func < (left: SourceLocation, right: SourceLocation) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// Why a text is not TOML.
struct TomlError: Error {
    var location: SourceLocation
    var message: String
}

extension TomlNode {
    /// Parses a whole text into its root table.
    static func parse(_ text: [UInt8]) throws(TomlError) -> TomlNode {
        var error = rl_toml_error()
        // The parser reads the bytes only during the call.
        let parsed = unsafe text.withUnsafeBytes { bytes in
            unsafe rl_toml_parse(bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, &error)
        }
        guard let document = unsafe parsed else {
            let location = SourceLocation(line: Int(error.line), column: Int(error.column))
            throw TomlError(location: location, message: message(of: error))
        }
        defer { unsafe rl_toml_free(document) }
        return unsafe copy(of: document, rl_toml_node_at(document, 0))
    }

    // The recursion is bounded by the nesting that the parser accepts.
    private static func copy(of document: OpaquePointer, _ node: rl_toml_node) -> TomlNode {
        let value: Value =
            switch unsafe node.kind {
            case RL_TOML_TABLE: unsafe .table(children(of: document, node).map { unsafe entry(of: document, $0) })
            case RL_TOML_ARRAY: unsafe .array(children(of: document, node).map { unsafe copy(of: document, $0) })
            case RL_TOML_STRING: unsafe .string(text(node.string, node.string_length))
            case RL_TOML_INTEGER: unsafe .integer(node.integer)
            case RL_TOML_FLOAT: unsafe .float(node.floating)
            case RL_TOML_BOOLEAN: unsafe .boolean(node.boolean != 0)
            default: .time
            }
        return unsafe TomlNode(location: SourceLocation(line: Int(node.line), column: Int(node.column)), value: value)
    }

    private static func entry(of document: OpaquePointer, _ node: rl_toml_node) -> TomlEntry {
        unsafe TomlEntry(
            key: text(node.key, node.key_length),
            keyLocation: SourceLocation(line: Int(node.key_line), column: Int(node.key_column)),
            node: copy(of: document, node))
    }

    private static func children(of document: OpaquePointer, _ node: rl_toml_node) -> [rl_toml_node] {
        var children: [rl_toml_node] = unsafe []
        var number = unsafe node.first_child
        while number != UInt32.max {  // RL_TOML_NONE
            let child = unsafe rl_toml_node_at(document, number)
            unsafe children.append(child)
            number = unsafe child.next
        }
        return unsafe children
    }

    private static func text(_ start: UnsafePointer<CChar>?, _ length: Int) -> String {
        let bytes = unsafe UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : length)
        return unsafe String(decoding: bytes, as: UTF8.self)
    }

    private static func message(of error: rl_toml_error) -> String {
        var error = error
        return unsafe withUnsafeBytes(of: &error.message) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
