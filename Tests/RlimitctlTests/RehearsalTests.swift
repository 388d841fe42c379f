import RlimitModel
import Testing

@testable import rlimitctl

@Suite("What would come of edits")
struct RehearsalTests {
    private let now = Limits(repeating: Limit(soft: 1024, hard: 4096))

    private func rehearsal(_ edits: Edit..., leave: KernelLeave = .upToHard) throws -> Rehearsal {
        try Rehearsal(edits, now: now, leave: leave)
    }

    @Test("What the kernel lets a process do is not asked of the agent")
    func kernel() throws {
        let rehearsal = try rehearsal(
            .set(.openFiles, soft: 4096), .set(.coreFileSize, to: Limit(0)), .set(.stackSize, hard: 2048))
        #expect(rehearsal.question.isEmpty)
        let answer = rehearsal.answer()
        #expect(answer.isAllowed)
        #expect(answer.verdicts.map(\.new) == [Limit(4096), Limit(0), Limit(soft: 1024, hard: 2048)])
        #expect(answer.verdicts.allSatisfy { $0.rule == nil })
    }

    @Test("What raises a hard limit is, and the answer is put in its place")
    func agent() throws {
        let rehearsal = try rehearsal(
            .set(.coreFileSize, soft: 0), .set(.openFiles, to: 65_536),
            .set(.stackSize, to: Limit(soft: 512, hard: 8192)))
        #expect(rehearsal.question == [.set(.openFiles, to: 65_536), .set(.stackSize, hard: 8192)])
        let answer = rehearsal.answer(
            Explanation(verdicts: [
                .init(.openFiles, now: Limit(0), rule: "files", new: Limit(65_536)),
                .init(.stackSize, rule: "stacks", new: Limit(soft: 1024, hard: 8192)),
            ]))
        #expect(answer.verdicts.map(\.resource) == [.coreFileSize, .openFiles, .stackSize])
        #expect(answer.verdicts.map(\.rule) == [nil, "files", "stacks"])
        #expect(answer.verdicts[2].new == Limit(soft: 512, hard: 8192))
    }

    @Test("A refusal names the edit by its place among all of them")
    func refusal() throws {
        let rehearsal = try rehearsal(.set(.coreFileSize, soft: 0), .set(.openFiles, to: 65_536))
        let error = RlimitError(.deniedByPolicy, resource: .openFiles, editIndex: 0)
        let answer = rehearsal.answer(
            Explanation(refusal: error, verdicts: [.init(.openFiles, now: now[.openFiles], error: error)]))
        #expect(answer.refusal?.editIndex == 1)
        #expect(answer.verdicts.last?.error?.editIndex == 1)
        let whole = rehearsal.answer(Explanation(refusal: RlimitError(.deniedByPolicy)))
        #expect(whole.verdicts.isEmpty && whole.refusal != nil, "refused as a whole")
    }

    @Test("Of another user's process all is asked; with the capability nothing but what no kernel gives")
    func leave() throws {
        #expect(try rehearsal(.set(.openFiles, soft: 4096), leave: .nothing).question.count == 1)
        let edits: [Edit] = [.set(.openFiles, to: 65_536), .set(.openFiles, to: 65_537), .set(.nice, to: 40)]
        let questions = edits.map { try? rehearsal($0, leave: .everything(openFilesCeiling: 65_536)).question.count }
        #expect(questions == [0, 1, 0])
    }

    @Test("What set would not even begin is thrown")
    func senseless() {
        #expect { try rehearsal(.set(.openFiles, to: Limit(soft: 10, hard: 5))) } throws: { error in
            "\(error)" == "nofile: soft 10 is above hard 5"
        }
        #expect { try rehearsal(.set(.openFiles, soft: 1, expecting: Limit(7))) } throws: { error in
            (error as? RlimitError)?.code == .conflict
        }
    }
}
