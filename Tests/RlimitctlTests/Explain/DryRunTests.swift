import RlimitModel
import Testing

@testable import rlimitctl

@Suite("Dry runs")
struct DryRunTests {
    private let now = Limits(repeating: Limit(soft: 1024, hard: 4096))

    private func dryRun(_ edits: Edit..., permission: KernelPermission = .upToHard) throws -> DryRun {
        try DryRun(edits, now: now, permission: permission)
    }

    @Test("The agent is not asked about edits that the kernel permits")
    func kernel() throws {
        let dryRun = try dryRun(
            .set(.openFiles, soft: 4096), .set(.coreFileSize, to: Limit(0)), .set(.stackSize, hard: 2048))
        #expect(dryRun.agentEdits.isEmpty)
        let result = dryRun.result()
        #expect(result.isAllowed)
        #expect(result.verdicts.map(\.new) == [Limit(4096), Limit(0), Limit(soft: 1024, hard: 2048)])
        #expect(result.verdicts.allSatisfy { $0.rule == nil })
    }

    @Test("The agent is asked about a raised hard limit, and its verdict is merged by index")
    func agent() throws {
        let dryRun = try dryRun(
            .set(.coreFileSize, soft: 0), .set(.openFiles, to: 65_536),
            .set(.stackSize, to: Limit(soft: 512, hard: 8192)))
        #expect(dryRun.agentEdits == [.set(.openFiles, to: 65_536), .set(.stackSize, hard: 8192)])
        let result = dryRun.result(
            Explanation(verdicts: [
                .init(.openFiles, now: Limit(0), rule: "files", new: Limit(65_536)),
                .init(.stackSize, rule: "stacks", new: Limit(soft: 1024, hard: 8192)),
            ]))
        #expect(result.verdicts.map(\.resource) == [.coreFileSize, .openFiles, .stackSize])
        #expect(result.verdicts.map(\.rule) == [nil, "files", "stacks"])
        #expect(result.verdicts[2].new == Limit(soft: 512, hard: 8192))
    }

    @Test("A refusal has the index of the edit among all edits")
    func refusal() throws {
        let dryRun = try dryRun(.set(.coreFileSize, soft: 0), .set(.openFiles, to: 65_536))
        let error = RlimitError(.deniedByPolicy, resource: .openFiles, editIndex: 0)
        let result = dryRun.result(
            Explanation(refusal: error, verdicts: [.init(.openFiles, now: now[.openFiles], error: error)]))
        #expect(result.refusal?.editIndex == 1)
        #expect(result.verdicts.last?.error?.editIndex == 1)
        let merged = dryRun.result(Explanation(refusal: RlimitError(.deniedByPolicy)))
        #expect(merged.verdicts.isEmpty && merged.refusal != nil, "refused as a whole")
    }

    @Test(
        "The agent is asked about every edit of another user's process, and with the capability only above fs.nr_open")
    func permission() throws {
        #expect(try dryRun(.set(.openFiles, soft: 4096), permission: .nothing).agentEdits.count == 1)
        let edits: [Edit] = [.set(.openFiles, to: 65_536), .set(.openFiles, to: 65_537), .set(.nice, to: 40)]
        let agentEditCounts = edits.map {
            try? dryRun($0, permission: .everything(openFilesCeiling: 65_536)).agentEdits.count
        }
        #expect(agentEditCounts == [0, 1, 0])
    }

    @Test("Errors that set throws before a change are thrown")
    func invalid() {
        #expect { try dryRun(.set(.openFiles, to: Limit(soft: 10, hard: 5))) } throws: { error in
            "\(error)" == "nofile: soft 10 is above hard 5"
        }
        #expect { try dryRun(.set(.openFiles, soft: 1, expecting: Limit(7))) } throws: { error in
            (error as? RlimitError)?.code == .conflict
        }
    }
}
