import Foundation
import Testing

/// The tests that docs/threat-model.md names for each attack.
@Suite("The threat model")
struct ThreatModelTests {
    @Test func `Every test that the threat model names exists`() throws {
        let text = try Machine.contents(of: Machine.project + "/docs/threat-model.md")
        let tests = Machine.project + "/Tests"
        var sources: [String: String] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: tests) where name.hasSuffix(".swift") {
            let contents = try Machine.contents(of: tests + "/" + name)
            for match in contents.matches(of: /(?:struct|class|enum|extension) (\w+)/) {
                sources[String(match.1), default: ""] += contents
            }
        }
        var named = 0
        for row in text.split(separator: "\n") where row.hasPrefix("| ") && !row.hasPrefix("| attack") {
            let references = row.matches(of: /`(\w+)`: \*([^*]+)\*/)
            #expect(!references.isEmpty, "no test: \(row)")
            for reference in references {
                named += 1
                let source = sources[String(reference.1)]
                #expect(source != nil, "no suite \(reference.1)")
                #expect(source?.contains(reference.2) ?? true, "\(reference.1) has no test \"\(reference.2)\"")
            }
        }
        #expect(named > 40)
    }

    @Test func `The threat model says that one user id is one authority`() throws {
        // No test can show this: a process that may ptrace another can act for it.
        #expect(
            try Machine.contents(of: Machine.project + "/docs/threat-model.md").contains("One user id is one authority")
        )
    }
}
