import RlimitModel

/// How lines of the log are written.
package enum LogFormat: String, Sendable, CaseIterable {
    /// `key=value` pairs, values quoted where they hold anything but plain characters.
    case text
    /// One JSON object a line, with the same keys.
    case json
}

/// One line of the log, built key by key. Whatever stands in a value, it stays one line and one value: names of
/// processes, cgroups and labels are other people's bytes.
struct LogLine {
    private let format: LogFormat
    private(set) var bytes: [UInt8] = []

    init(_ format: LogFormat) {
        self.format = format
        bytes.reserveCapacity(256)
    }

    mutating func add(_ key: StaticString, _ value: String) {
        begin(key)
        if format == .json || !LogLine.isPlain(value) { quote(value) } else { bytes.append(contentsOf: value.utf8) }
    }

    mutating func add(_ key: StaticString, _ value: some BinaryInteger) {
        begin(key)
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        append(UInt64(value.magnitude))
    }

    /// "1024:unlimited".
    mutating func add(_ key: StaticString, _ limit: Limit) {
        begin(key)
        if format == .json { bytes.append(UInt8(ascii: "\"")) }
        append(limit.soft)
        bytes.append(UInt8(ascii: ":"))
        append(limit.hard)
        if format == .json { bytes.append(UInt8(ascii: "\"")) }
    }

    /// A moment of civil time.
    mutating func add(_ key: StaticString, _ time: Timestamp) {
        begin(key)
        if format == .json { bytes.append(UInt8(ascii: "\"")) }
        time.write { bytes.append($0) }
        if format == .json { bytes.append(UInt8(ascii: "\"")) }
    }

    private mutating func append(_ bound: Limit.Bound) {
        guard let value = bound.value else { return append("unlimited") }
        append(value)
    }

    private mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
    }

    // Digit by digit: a line has many numbers, and no String is made for them.
    private mutating func append(_ number: UInt64) {
        let start = bytes.count
        var left = number
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: left % 10))
            left /= 10
        } while left > 0
        bytes[start...].reverse()
    }

    mutating func add(_ key: StaticString, _ value: String?) {
        if let value { add(key, value) }
    }

    /// The line with its end.
    consuming func finished() -> [UInt8] {
        if format == .json { bytes.append(UInt8(ascii: "}")) }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    private mutating func begin(_ key: StaticString) {
        switch format {
        case .text:
            if !bytes.isEmpty { bytes.append(UInt8(ascii: " ")) }
            append(key)
            bytes.append(UInt8(ascii: "="))
        case .json:
            bytes.append(UInt8(ascii: bytes.isEmpty ? "{" : ","))
            // Keys are plain words.
            bytes.append(UInt8(ascii: "\""))
            append(key)
            bytes.append(UInt8(ascii: "\""))
            bytes.append(UInt8(ascii: ":"))
        }
    }

    private static func isPlain(_ value: String) -> Bool {
        !value.isEmpty
            && value.utf8.allSatisfy {
                $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=")
                    && $0 != UInt8(ascii: "\\")
            }
    }

    // As JSON has it; beyond ASCII everything is escaped too, so that no terminal is steered by it.
    private mutating func quote(_ value: String) {
        bytes.append(UInt8(ascii: "\""))
        for unit in value.utf16 {
            switch unit {
            case 0x22, 0x5c: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(truncatingIfNeeded: unit)])
            case 0x20...0x7e: bytes.append(UInt8(truncatingIfNeeded: unit))
            default:
                let digits = String(unit, radix: 16)
                bytes.append(contentsOf: "\\u".utf8)
                bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 4 - digits.utf8.count))
                bytes.append(contentsOf: digits.utf8)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
