import RlimitModel
import Testing

@testable import rlimitctl

@Suite("Explanations as text")
struct ExplanationTextTests {
    private let now = Limit(soft: 1024, hard: 4096)

    @Test("The overview has the current limits, the maximum allowed and the rule of each resource")
    func overview() {
        let explanation = Explanation(verdicts: [
            .init(.openFiles, now: now, most: Limit(65_536), rule: "web servers"),
            .init(.lockedMemory, now: Limit(.mebibytes(8)), most: Limit(.mebibytes(8))),
            .init(.nice),
        ])
        #expect(
            ExplanationText(explanation: explanation).overview == """
                RESOURCE          NOW  MAX-ALLOWED  RULE
                nofile      1024:4096  65536:65536  web servers
                memlock   8 MiB:8 MiB  8 MiB:8 MiB  -
                nice                -            -  -

                """)
    }

    @Test("An error of all resources is printed once, and what a lease would add for each")
    func remarks() {
        let never = RlimitError(.deniedByPolicy, message: "the limits of process 1 are never changed")
        let lease = RlimitError(.deniedByPolicy, message: "only with a lease")
        let all = Explanation(verdicts: [.init(.openFiles, error: never), .init(.nice, error: never)])
        #expect(
            ExplanationText(explanation: all).overview.hasSuffix("-  -\nthe limits of process 1 are never changed\n"))
        let some = Explanation(verdicts: [
            .init(.openFiles, most: now, error: lease),
            .init(.nice, error: RlimitError(.deniedByPolicy, message: "none")),
        ])
        #expect(ExplanationText(explanation: some).overview.hasSuffix("\nonly with a lease\n"))
    }

    @Test("A refused edit is mentioned on the lines of the others, and a refusal of the whole request is printed alone")
    func refused() {
        let error = RlimitError(.deniedByPolicy, message: "no rule")
        let part = Explanation(
            refusal: error,
            verdicts: [.init(.openFiles, now: now, rule: "r", new: Limit(65_536)), .init(.nice, error: error)])
        #expect(
            ExplanationText(explanation: part).decision == """
                nofile 1024:4096 -> 65536:65536: granted by rule "r", but another edit is refused, and edits are made all or none
                nice: refused: no rule

                """)
        #expect(
            ExplanationText(explanation: Explanation(refusal: error), process: ProcessLabel(pid: 1, command: "init"))
                .decision
                == "init (pid 1): refused: no rule\n")
    }

    @Test("The decision has a line for each edit")
    func decision() {
        let explanation = Explanation(verdicts: [
            .init(.openFiles, now: now, rule: "web \u{1b}servers", new: Limit(65_536)),
            .init(.coreFileSize, now: now, new: Limit(4096)),
            .init(
                .stackSize, now: now, rule: "r", new: Limit(8192),
                error: RlimitError(.deniedByPolicy, message: "too much")),
            .init(.nice, now: Limit(0), error: RlimitError(.deniedByPolicy, message: "no rule")),
            .init(.cpuTime),
        ])
        #expect(
            ExplanationText(explanation: explanation, process: ProcessLabel(pid: 42, command: "bash")).decision == """
                nofile 1024:4096 -> 65536:65536  bash (pid 42): granted by rule "web \\u{1b}servers"
                core 1 KiB:4 KiB -> 4 KiB:4 KiB  bash (pid 42): granted without a rule
                stack 1 KiB:4 KiB -> 8 KiB:8 KiB  bash (pid 42): granted by rule "r", but less than requested: too much
                nice 0:0  bash (pid 42): refused: no rule
                cpu  bash (pid 42): refused: another edit is refused, and edits are made all or none

                """)
    }
}
