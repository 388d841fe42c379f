import Testing

@testable import RlimitPolicyFile

@Suite("Damaged policy files")
struct MutationTests {
    @Test("Any bytes are either read or reported with a location")
    func mutations() throws {
        let original = Array(try DocumentTests.examples().joined(separator: "\n").utf8)
        let splices = ["\"", "'", "\"\"\"", "[", "]]", "{", "}", ".", "=", "\n", "#", "\\u", "\0", "-1", "1e400", "é"]
            .map {
                Array($0.utf8)
            }
        var generator = SystemRandomNumberGenerator()
        var refused = 0
        for _ in 0..<3000 {
            var text = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<text.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: text[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: text.remove(at: place)
                case 2: text.insert(contentsOf: splices.randomElement(using: &generator) ?? [], at: place)
                default: text.removeSubrange(place..<min(text.count, place + 40))
                }
            }
            let fragment = PolicyFileReader.read(text, file: "p", isMain: false, accounts: accounts)
            if !fragment.diagnostics.errors.isEmpty { refused += 1 }
            for error in fragment.diagnostics.errors where error.line < 1 || error.column < 1 || error.message.isEmpty {
                Issue.record("no place in \(error) for \(String(decoding: text, as: UTF8.self))")
            }
        }
        #expect(refused > 500)
    }
}
