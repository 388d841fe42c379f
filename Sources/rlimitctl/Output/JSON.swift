/// A JSON value. The tool prints small objects with keys in a fixed order, so it needs no Foundation.
indirect enum JSON: Sendable {
    case null
    case bool(Bool)
    case number(UInt64)
    case integer(Int)
    /// A number of seconds, exact to the microsecond.
    case seconds(Duration)
    case string(String)
    case array([JSON])
    case object([(String, JSON)])

    /// A string, or null.
    static func optional(_ text: String?) -> JSON { text.map(JSON.string) ?? .null }
    /// A number, or null.
    static func optional(_ number: UInt64?) -> JSON { number.map(JSON.number) ?? .null }

    /// The value on one line, so that a result is one line of a log.
    var text: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let flag): text += flag ? "true" : "false"
        case .number(let number): text += String(number)
        case .integer(let number): text += String(number)
        case .seconds(let time): text += JSON.decimal(time)
        case .string(let string): JSON.quote(string, into: &text)
        case .array(let values):
            JSON.list(values, in: ("[", "]"), into: &text) { value, text in value.write(to: &text) }
        case .object(let members):
            JSON.list(members, in: ("{", "}"), into: &text) { member, text in
                JSON.quote(member.0, into: &text)
                text += ":"
                member.1.write(to: &text)
            }
        }
    }

    private static func list<Element>(
        _ elements: [Element], in brackets: (String, String), into text: inout String,
        _ write: (Element, inout String) -> Void
    ) {
        text += brackets.0
        var separator = ""
        for element in elements {
            text += separator
            write(element, &text)
            separator = ","
        }
        text += brackets.1
    }

    // Also escapes DEL, the C1 controls and the bidirectional controls: JSON allows them, but terminals interpret them.
    private static func quote(_ string: String, into text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}"..."\u{202E}", "\u{2066}"..."\u{2069}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }

    private static func decimal(_ time: Duration) -> String {
        let microseconds = time.wholeMicroseconds
        let (seconds, rest) = microseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        let fraction = String(rest)
        let zeros = String(repeating: "0", count: 6 - fraction.count)
        return (microseconds < 0 ? "-" : "") + "\(seconds).\(zeros)\(fraction)"
    }
}

extension Duration {
    /// The duration truncated to whole microseconds, the resolution of getrusage(2).
    var wholeMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        return overflow ? (seconds < 0 ? .min : .max) : product &+ attoseconds / 1_000_000_000_000
    }
}
