import Foundation
import Testing

@testable import rlimitctl

@Suite("JSON")
struct JSONTests {
    private func parsed(_ json: JSON) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(json.text.utf8), options: [.fragmentsAllowed])
    }

    @Test(
        "Any text survives a round trip",
        arguments: [
            "", "bash", "a \"quoted\" name", "back\\slash", "new\nline\ttab\r", "\u{0}\u{1}\u{1b}[31m\u{7f}\u{9b}",
            "für 漢字 👩‍👩‍👧", "\u{2028}\u{202e}", "</script>",
        ])
    func strings(text: String) throws {
        #expect(try parsed(.string(text)) as? String == text)
    }

    @Test("Control characters are escaped")
    func controls() {
        let text = JSON.string(String(String.UnicodeScalarView((0...0xA0).compactMap { Unicode.Scalar($0) }))).text
        #expect(text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
    }

    @Test("Members keep their order, and the value is on one line")
    func order() {
        let json = JSON.object([
            ("b", .array([.null, .bool(true), .bool(false)])), ("a", .number(.max)), ("c", .object([])),
        ])
        #expect(json.text == #"{"b":[null,true,false],"a":18446744073709551615,"c":{}}"#)
    }

    @Test(
        "Durations are seconds with six decimals",
        arguments: [
            (Duration.zero, "0.000000"), (.microseconds(1), "0.000001"), (.milliseconds(1500), "1.500000"),
            (.seconds(86_400), "86400.000000"), (.nanoseconds(1999), "0.000001"), (.milliseconds(-1500), "-1.500000"),
        ])
    func times(time: Duration, text: String) {
        #expect(JSON.seconds(time).text == text)
    }
}
