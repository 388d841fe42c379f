import Foundation
import RlimitWire
import Testing

@testable import RlimitAgent

private func finished(_ line: consuming LogLine) -> [UInt8] {
    var line = line
    line.finish()
    var queue = ByteQueue()
    line.write(to: &queue)
    return queue.withBytes { bytes in bytes.indices.map { bytes[$0] } }
}

@Suite("Log lines")
struct LogLineTests {
    private func text(_ value: String) -> String {
        var line = LogLine(.text)
        line.add("key", value)
        return String(decoding: finished(line), as: UTF8.self)
    }

    @Test(
        "Plain values are written as they are, and all others are quoted",
        arguments: [
            ("nofile", "key=nofile\n"), ("1024:4096", "key=1024:4096\n"), ("web servers", "key=\"web servers\"\n"),
            ("", "key=\"\"\n"), ("a=b", "key=\"a=b\"\n"), ("say \"x\"", #"key="say \"x\"""# + "\n"),
        ])
    func plainAndQuoted(value: String, expected: String) { #expect(text(value) == expected) }

    @Test(
        "No value can begin a new line or control a terminal",
        arguments: ["a\nverdict=granted", "\u{1b}[31m", "\u{202e}x", "\r", "\0"])
    func hostile(value: String) {
        let line = text(value)
        #expect(line.utf8.dropLast().allSatisfy { $0 >= 0x20 && $0 < 0x7f })
        #expect(line.utf8.filter { $0 == UInt8(ascii: "\n") }.count == 1)
    }

    @Test("A long line is complete wherever its values end", arguments: [470, 471, 472, 480, 481, 960, 5000])
    func long(length: Int) {
        let value = String(repeating: "x", count: length)
        #expect(text(value) == "key=\(value)\n")
        #expect(text(value + " \u{e9}") == "key=\"\(value) \\u00e9\"\n")
    }

    @Test("A JSON line is one object, and decodes to the values that were added")
    func json() throws {
        var line = LogLine(.json)
        line.add("a", "x\n\"y\" \\ \u{1F600}")
        line.add("b", 42)
        line.add("absent", nil)
        let object = try JSONSerialization.jsonObject(with: Data(finished(line))) as? [String: Any]
        #expect(object?["a"] as? String == "x\n\"y\" \\ \u{1F600}")
        #expect(object?["b"] as? Int == 42)
        #expect(object?.count == 2)
    }
}

@Suite("Timestamps")
struct TimestampTests {
    @Test(
        "Timestamps match the calendar",
        arguments: [
            (0, "1970-01-01T00:00:00.000001Z"), (951_782_400, "2000-02-29T00:00:00.000001Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000001Z"), (4_107_542_400, "2100-03-01T00:00:00.000001Z"),
            (1_795_635_599, "2026-11-25T19:39:59.000001Z"), (-1, "1969-12-31T23:59:59.000001Z"),
        ])
    func known(seconds: Int64, expected: String) {
        #expect(Timestamp(seconds: seconds, microseconds: 1).description == expected)
    }
}
