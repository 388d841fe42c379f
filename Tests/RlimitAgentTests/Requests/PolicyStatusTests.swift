import RlimitPolicy
import RlimitPolicyFile
import Testing

@testable import RlimitAgent

@Suite("Policy status")
struct PolicyStatusTests {
    private func failed(_ messages: String...) -> String {
        var status = PolicyStatus(.baselineOnly)
        let diagnostics = messages.map { Diagnostic(file: "/p.toml", line: 3, column: 1, message: $0) }
        status.failed(PolicyFileError(diagnostics: diagnostics))
        return status.text
    }

    @Test("A failed reload stays visible until one succeeds")
    func visible() {
        var status = PolicyStatus(.baselineOnly)
        #expect(status.text == "baseline only")
        status.failed(PolicyFileError(diagnostics: [Diagnostic(file: "/p.toml", line: 3, column: 1, message: "no")]))
        #expect(status.text.hasPrefix("baseline only; the reload at 2"))
        #expect(status.text.hasSuffix("Z failed: /p.toml:3:1: no"))
        status.adopted(.baselineOnly)
        #expect(status.text == "baseline only")
    }

    @Test("The status is one short line, escaped, with the number of further errors")
    func oneLine() {
        let long = failed(String(repeating: "x", count: 5000), "second", "third")
        #expect(long.count < 400 && long.hasSuffix("... (and 2 more)"))
        let hostile = failed("a\nREADY=1\u{1b}[2J")
        #expect(hostile.hasSuffix("a\\u{a}READY=1\\u{1b}[2J"))
        #expect(failed().hasSuffix("failed: the policy cannot be read"))
    }
}
